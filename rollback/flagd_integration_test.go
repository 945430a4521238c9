//go:build integration

package rollback

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

// flagdFollower prints what flagd's own evaluator makes of a flag, once for every line
// it is sent. It is OpenFeature's provider with flagd's resolver in its process, which
// follows the file as flagd does.
const flagdFollower = `import sys
from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
api.set_provider(FlagdProvider(resolver_type=ResolverType.FILE, offline_flag_source_path=sys.argv[1]))
client = api.get_client()
for _ in sys.stdin:
    got = client.get_string_details(sys.argv[2], "none")
    print(got.variant, got.value, got.reason, flush=True)
`

// TestIntegrationFlagdServesWhatTheFileWasTakenBackTo takes a flag's default variant back
// in a file that flagd's evaluator follows, and asks it.
func TestIntegrationFlagdServesWhatTheFileWasTakenBackTo(t *testing.T) {
	python := installed("FLAGD_PYTHON", "python3")
	if python == "" || exec.Command(python, "-c", "import openfeature.contrib.provider.flagd").Run() != nil {
		t.Skip("flagd's evaluator is not installed (pip install openfeature-provider-flagd; FLAGD_PYTHON=/path/to/python): that it reads what sickbay writes was not seen")
	}
	path := filepath.Join(t.TempDir(), "flags.json")
	const text = `{
  "$schema": "https://flagd.dev/schema/v0/flags.json",
  "flags": {
    "tool-set": {"state": "ENABLED", "variants": {"small": "four tools", "large": "twelve tools"}, "defaultVariant": "large"},
    "other": {"state": "ENABLED", "variants": {"a": "A", "b": "B"}, "defaultVariant": "b"}
  }
}
`
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	ask := follow(t, python, path, "tool-set")
	if got := ask("large"); got != "large twelve tools STATIC" {
		t.Fatalf("before: flagd serves %q", got)
	}
	target, err := Open(info("flagd"), fromTOML(fmt.Sprintf("file = %q\nflag = \"tool-set\"\nsettle = \"0s\"\nhistory = %q\n", path, path+".past")))
	if err != nil {
		t.Fatal(err)
	}
	if op := atWork(t, target).rollBack("small", nil); op.State != health.OpUnproven || op.From != "large" || op.To != "small" {
		t.Errorf("%s → %s: %s, %s", op.From, op.To, op.State, op.Text)
	}
	if got := ask("small"); got != "small four tools STATIC" {
		t.Errorf("after: flagd serves %q", got)
	}
	now, err := os.ReadFile(path)
	if want := strings.Replace(text, `"defaultVariant": "large"`, `"defaultVariant": "small"`, 1); err != nil || string(now) != want {
		t.Errorf("more than the default variant has changed: %s %v", now, err)
	}
}

// follow starts an evaluator. What it gives asks it until it serves a variant, for ten
// seconds at most, and says what it serves.
func follow(t *testing.T, python, path, flag string) func(variant string) string {
	t.Helper()
	cmd := exec.Command(python, "-c", flagdFollower, path, flag)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = cmd.Process.Kill(); _ = cmd.Wait() })
	answers := bufio.NewReader(out)
	return func(variant string) (got string) {
		t.Helper()
		for began := time.Now(); time.Since(began) < 10*time.Second; time.Sleep(100 * time.Millisecond) {
			if _, err := io.WriteString(in, "\n"); err != nil {
				t.Fatal(err)
			}
			line, err := answers.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if got = strings.TrimSpace(line); strings.HasPrefix(got, variant+" ") {
				break
			}
		}
		return got
	}
}
