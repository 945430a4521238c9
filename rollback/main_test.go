package rollback

import (
	"fmt"
	"os"
	"testing"
)

// The test binary plays other programs, too: a deployment tool, a second
// sickbay that writes, a sickbay that is killed.
var roles = map[string]func() int{
	"tool":   beTool,
	"writer": beWriter,
	"victim": beVictim,
	"killed": beKilled,
}

// quickExit is for GORACE: else the race detector makes each of these processes
// wait a second before it ends.
const quickExit = "atexit_sleep_ms=0"

func TestMain(m *testing.M) {
	if role := os.Getenv("SICKBAY_TEST_ROLE"); role != "" {
		be, ok := roles[role]
		if !ok {
			fmt.Fprintln(os.Stderr, "no role", role)
			os.Exit(99)
		}
		os.Exit(be())
	}
	os.Exit(m.Run())
}
