package sources

import (
	"os/exec"
	"syscall"
)

// dieWithUs has a child killed when this program ends, whatever ends it.
func dieWithUs(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
