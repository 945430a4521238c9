package rollback

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"syscall"
	"time"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "flagd",
		Doc: "A flag in a file that flagd follows: its defaultVariant goes back to another variant. Only those bytes change; the file is replaced as a " +
			"whole, and only if it is what it was. flagd itself has no way to write.",
		Example: `service = "triage-agent"
kind = "config"
driver = "flagd"
file = "/etc/flagd/flags.json"
flag = "tool-set"
settle = "5s"                      # until flagd has seen the file
history = ""                       # what it was before; "": a file beside the journal
`,
		Open: openFlagd,
	})
}

type flagdConfig struct {
	File    string        `toml:"file"`
	Flag    string        `toml:"flag"`
	Settle  time.Duration `toml:"settle"`
	History string        `toml:"history"`
}

type flagdTarget struct {
	info health.Target
	c    flagdConfig
	past *past
}

func openFlagd(info health.Target, decode Decode) (Target, error) {
	c := flagdConfig{Settle: 5 * time.Second}
	if err := decode(&c); err != nil {
		return nil, err
	}
	if c.File == "" || c.Flag == "" {
		return nil, errors.New("file and flag: both are needed")
	}
	return &flagdTarget{info, c, newPast(c.History, info.Name)}, nil
}

func (t *flagdTarget) Info() health.Target { return t.info }

func (t *flagdTarget) Caps() Caps {
	return Caps{CompareAndSwap: true, Idempotent: true, Settle: t.c.Settle, Words: "compare-and-swap by the file's content, among sickbays · " +
		"replaced as a whole, never half · whatever writes the file (git, an operator) may set it forward again"}
}

type flagdFlag struct {
	State    string                     `json:"state"`
	Variants map[string]json.RawMessage `json:"variants"`
	Default  string                     `json:"defaultVariant"`
	Rules    json.RawMessage            `json:"targeting"`
}

func parseFlagd(b []byte, flag string) (flagdFlag, error) {
	var all struct {
		Flags map[string]flagdFlag `json:"flags"`
	}
	if err := json.Unmarshal(b, &all); err != nil {
		return flagdFlag{}, fmt.Errorf("it is not the JSON of flagd: %s", tidy(err.Error(), 120))
	}
	f, ok := all.Flags[flag]
	if !ok {
		return flagdFlag{}, fmt.Errorf("it has no flag %s", tidy(flag, 60))
	}
	return f, nil
}

// load reads the file itself: a link may point elsewhere by the time it is replaced.
func (t *flagdTarget) load() ([]byte, os.FileInfo, error) {
	f, err := os.OpenFile(t.c.File, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, nil, errors.New("it is a symbolic link, as a mounted ConfigMap is: change what it comes from")
	}
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, nil, errors.New("it is not a regular file")
	}
	b, err := io.ReadAll(io.LimitReader(f, maxAnswer+1))
	if err == nil && len(b) > maxAnswer {
		err = errors.New("it is longer than 1 MB")
	}
	return b, info, err
}

func contentToken(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

func (t *flagdTarget) Current(ctx context.Context) (State, error) {
	b, info, err := t.load()
	if err != nil {
		return State{}, unread(t, err)
	}
	f, err := parseFlagd(b, t.c.Flag)
	if err != nil {
		return State{}, unread(t, err)
	}
	var names []string
	for name := range f.Variants {
		names = append(names, name)
	}
	sort.Sort(sort.Reverse(sort.StringSlice(names)))
	versions := []health.Version{}
	for _, n := range names {
		versions = append(versions, health.Version{ID: n})
	}
	now := time.Now()
	s := stateOf(f.Default, versions)
	s.Back = "" // variants have no order in time
	s.Token, s.At, s.Since = contentToken(b), now, info.ModTime().UTC()
	if f.State == "DISABLED" {
		s.Blocked = "the flag is disabled: everybody gets what the code says"
	}
	if len(bytes.Trim(f.Rules, " \t\r\n{}")) > 0 && string(f.Rules) != "null" {
		s.Notes = append(s.Notes, "its targeting decides before the default variant, and stays")
	}
	return t.past.remembered(s, now), ctx.Err()
}

func (t *flagdTarget) Plan(ctx context.Context, to string) (health.Plan, error) {
	return planFor(ctx, t, to)
}

func (t *flagdTarget) Execute(ctx context.Context, p health.Plan, op, _ string) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: nothing was sent: %w", ErrFailed, ctx.Err())
	}
	failed := func(err error) error { return fmt.Errorf("%w: nothing was written: %s", ErrFailed, because(err)) }
	dir, err := os.Open(filepath.Dir(t.c.File)) // the lock is on the directory: the file itself is replaced
	if err != nil {
		return failed(err)
	}
	defer dir.Close()
	if err := flock(dir, syscall.LOCK_EX); err != nil {
		return failed(err)
	}
	b, info, err := t.load()
	if err != nil {
		return failed(err)
	}
	f, err := parseFlagd(b, t.c.Flag)
	switch {
	case err != nil:
		return failed(err)
	case contentToken(b) != p.Token || f.Default != p.From:
		return fmt.Errorf("%w: the file is another one, and the default is %s", ErrMoved, tidy(f.Default, 60))
	case f.Variants[p.To] == nil:
		return failed(fmt.Errorf("the flag has no variant %s any more", p.To))
	}
	after, err := setDefault(b, t.c.Flag, p.To)
	if err != nil {
		return failed(err)
	}
	return replaceFile(t.c.File, after, info, op)
}

// setDefault changes the bytes of one defaultVariant and no others.
func setDefault(b []byte, flag, to string) ([]byte, error) {
	from, end, err := valueAt(b, "flags", flag, "defaultVariant")
	if err != nil {
		return nil, err
	}
	quoted, err := json.Marshal(to)
	if err != nil {
		return nil, err
	}
	out := append(append(append([]byte{}, b[:from]...), quoted...), b[end:]...)
	if f, err := parseFlagd(out, flag); err != nil || f.Default != to {
		return nil, errors.New("the file names the flag in a way that cannot be changed safely")
	}
	return out, nil
}

// valueAt is where the value under a path of keys begins and ends in a JSON object.
func valueAt(b []byte, path ...string) (from, end int, err error) {
	missing := fmt.Errorf("no %s is in it", path[len(path)-1])
	d := json.NewDecoder(bytes.NewReader(b))
	for depth := 0; ; {
		if t, err := d.Token(); err != nil || t != json.Delim('{') {
			return 0, 0, missing
		}
		found := false
		for d.More() && !found {
			key, err := d.Token()
			if err != nil {
				return 0, 0, missing
			}
			if found = key == path[depth]; found {
				break
			}
			var skip json.RawMessage
			if d.Decode(&skip) != nil {
				return 0, 0, missing
			}
		}
		if !found {
			return 0, 0, missing
		}
		if depth++; depth == len(path) {
			var value json.RawMessage
			if d.Decode(&value) != nil {
				return 0, 0, missing
			}
			end = int(d.InputOffset())
			return end - len(value), end, nil
		}
	}
}

// replaceFile puts a whole file in the place of another, with its mode and owner.
func replaceFile(path string, b []byte, like os.FileInfo, op string) error {
	failed := func(err error) error { return fmt.Errorf("%w: nothing was written: %s", ErrFailed, because(err)) }
	next := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+op)
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, like.Mode().Perm())
	if err != nil {
		return failed(err)
	}
	defer os.Remove(next) // gone already, if all went well
	if st, ok := like.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		err = f.Chown(int(st.Uid), int(st.Gid))
	}
	if err == nil {
		err = f.Chmod(like.Mode().Perm())
	}
	if err == nil {
		_, err = f.Write(b)
	}
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		return failed(err)
	}
	_ = syncDir(filepath.Dir(path)) // it is in place; whether it survives a power cut is not ours to undo
	return nil
}
