package rollback

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// leaveChild starts a process that would go on for a minute, notes its id and
// waits with it.
func leaveChild(pidFile string) {
	cmd := exec.Command("sleep", "60")
	if cmd.Start() == nil {
		os.WriteFile(pidFile, fmt.Append(nil, cmd.Process.Pid), 0o600)
		cmd.Wait()
	}
}

// diesSoon says whether a process is gone, or a zombie nobody has buried, within
// two seconds.
func diesSoon(pid int) bool {
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if syscall.Kill(pid, 0) != nil {
			return true
		}
		if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && strings.Contains(string(b), ") Z ") {
			return true
		}
	}
	return false
}
