package rollback

import (
	"os"
	"os/user"
	"strings"

	"sickbay/health"
)

// Me is the actor this process acts for: the OS user, who is behind sudo, and
// where the SSH connection comes from. Nothing in it is proof; all of it is
// what the operating system says.
func Me() health.Actor {
	a := health.Actor{Sudo: os.Getenv("SUDO_USER"), TTY: terminal()}
	if u, err := user.Current(); err == nil {
		a.User = u.Username
	} else {
		a.User = os.Getenv("USER")
	}
	a.SSH, _, _ = strings.Cut(os.Getenv("SSH_CONNECTION"), " ")
	a.Host, _ = os.Hostname()
	return a
}

func terminal() string {
	if tty, err := os.Readlink("/proc/self/fd/0"); err == nil && strings.HasPrefix(tty, "/dev/") && tty != "/dev/null" {
		return tty
	}
	return os.Getenv("SSH_TTY")
}

// Who says an actor in words: "root (sudo by ann) from 10.0.0.7".
func Who(a health.Actor) string {
	s := a.User
	if s == "" {
		s = "somebody"
	}
	if a.Sudo != "" && a.Sudo != a.User {
		s += " (sudo by " + a.Sudo + ")"
	}
	if a.SSH != "" {
		s += " from " + a.SSH
	}
	return tidy(s, 80)
}
