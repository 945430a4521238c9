package rollback

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"sickbay/health"
)

// lockPatience is how long a line waits for another process to finish its own.
const lockPatience = 5 * time.Second

// flock waits for the lock of an open file, but not for ever: a stopped process
// must not stop this one.
func flock(f *os.File, how int) error {
	for end := time.Now().Add(lockPatience); ; {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		if err == nil || !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("another process has held its lock for %s", lockPatience)
		}
		<-time.After(2 * time.Millisecond)
	}
}

func funlock(f *os.File) { _ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }

// openOwn opens a file that is ours alone: no link, no pipe, owned by this
// user, writable by nobody else, in a directory where nobody else can swap it.
func openOwn(path string) (*os.File, error) {
	if err := checkDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	flags := os.O_RDWR | os.O_APPEND | os.O_CREATE | syscall.O_NOFOLLOW | syscall.O_CLOEXEC | syscall.O_NONBLOCK
	f, err := os.OpenFile(path, flags, 0o600)
	if errors.Is(err, syscall.ELOOP) {
		return nil, fmt.Errorf("%s is a symbolic link: name the file itself", path)
	}
	if err != nil {
		return nil, err
	}
	if err := checkOwn(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s %w", path, err)
	}
	return f, nil
}

func checkOwn(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok || !info.Mode().IsRegular():
		return errors.New("is not a regular file")
	case int(st.Uid) != os.Geteuid():
		return fmt.Errorf("belongs to user %d, not to %d: use a journal of your own", st.Uid, os.Geteuid())
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("can be written by others (mode %04o): chmod go-w it", info.Mode().Perm())
	case st.Nlink != 1:
		return errors.New("has more than one name (hard link): name a file of its own")
	}
	return nil
}

// Magic numbers of file systems whose locks may not reach beyond this host (statfs(2)).
var shared = map[int64]string{0x6969: "NFS", 0xff534d42: "CIFS", 0xfe534d42: "SMB"}

// localDisk refuses a file system that other hosts share: two sickbays would each
// believe to be alone.
func localDisk(f *os.File) error {
	var st syscall.Statfs_t
	if err := syscall.Fstatfs(int(f.Fd()), &st); err != nil {
		return nil // it cannot be told
	}
	if name := shared[int64(uint32(st.Type))]; name != "" {
		return fmt.Errorf("%s is on %s, where locks may not reach other hosts: point XDG_STATE_HOME to a local disk", f.Name(), name)
	}
	return nil
}

func checkDir(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o022 != 0 && info.Mode()&os.ModeSticky == 0 {
		return fmt.Errorf("directory %s can be written by others (mode %04o): chmod go-w it", dir, info.Mode().Perm())
	}
	return nil
}

// A lock says that an operation on one target is under way on this host. It is
// advice among sickbays; the target's compare-and-swap is the real guard. The
// kernel lets go of it when the process ends, however it ends.
type lock struct{ f *os.File }

type holder struct {
	PID  int       `json:"pid"`
	Host string    `json:"host"`
	User string    `json:"user"`
	Op   string    `json:"op"`
	At   time.Time `json:"at"`
}

// takeLock locks a target, or says who has it. Lock files stay: removing one
// would let two processes hold locks of the same name.
func takeLock(dir, target string, h holder) (*lock, error) {
	path := filepath.Join(dir, lockName(target))
	f, err := openOwn(path)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be locked: %w", target, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		return nil, fmt.Errorf("%s is busy: %s", target, heldBy(f))
	}
	js, err := json.Marshal(h)
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = f.Write(js)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s cannot be locked: %w", target, err)
	}
	return &lock{f}, nil
}

func (l *lock) release() {
	if l != nil {
		l.f.Close()
	}
}

// locks are those of a target and of the parts of a bundle.
type locks []*lock

// takeLocks takes all of them or none, always in the same order, so that two bundles
// do not wait for each other.
func takeLocks(dir string, targets []string, h holder) (locks, error) {
	var all locks
	for _, target := range slices.Sorted(slices.Values(targets)) {
		l, err := takeLock(dir, target, h)
		if err != nil {
			all.release()
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

func (all locks) release() {
	for _, l := range all {
		l.release()
	}
}

func heldBy(f *os.File) string {
	var h holder
	b, err := io.ReadAll(io.NewSectionReader(f, 0, 4096))
	if err != nil || json.Unmarshal(b, &h) != nil || h.PID == 0 {
		return "another sickbay on this host is at it"
	}
	return fmt.Sprintf("%s is at it since %s UTC (pid %d on %s)",
		tidy(h.User, 40), h.At.UTC().Format("15:04:05"), h.PID, tidy(h.Host, 40))
}

// lockName keeps the readable part of a target's name and adds what makes it
// unique.
func lockName(target string) string {
	sum := sha256.Sum256([]byte(target))
	safe := strings.Map(func(r rune) rune {
		if r < 128 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-') {
			return r
		}
		return '_'
	}, target)
	return "lock." + safe[:min(len(safe), 60)] + "." + hex.EncodeToString(sum[:4])
}

func holderNow(by health.Actor, op string) holder {
	host, _ := os.Hostname()
	return holder{PID: os.Getpid(), Host: host, User: Who(by), Op: op, At: time.Now().UTC()}
}
