package sources

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"sickbay/health"
	"sickbay/logs"
)

func init() {
	register(Kind{
		Name: "journald",
		Doc:  "The systemd journal, read by a child process: journalctl -o json -f. It needs no rights but those of journalctl.",
		Example: `kind = "journald"
name = "journal"
units = ["chat.service"]          # empty: everything
matches = []                      # fields of the journal: "CONTAINER_NAME=chat"
history = "1h"                    # that is read at the start
` + lineExample,
		Open: openJournald,
	})
}

type journaldConfig struct {
	lineConfig
	Units   []string      `toml:"units"`
	Matches []string      `toml:"matches"`
	History time.Duration `toml:"history"`
}

type journald struct {
	lined
	name    string
	argv    []string // without where to begin
	where   string
	history time.Duration
	again   time.Duration // before the child is started again
}

// Arguments go to journalctl one by one and through no shell; none of them may look
// like an option.
var (
	unitName     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9:_.\\@*-]{0,254}$`)
	journalMatch = regexp.MustCompile(`^[A-Z_][A-Z0-9_]{0,63}=.{0,1000}$`)
)

func openJournald(name string, decode Decode) (Source, error) {
	c := journaldConfig{History: time.Hour}
	if err := decode(&c); err != nil {
		return nil, err
	}
	o, err := c.options()
	if err != nil {
		return nil, err
	}
	if c.History < 0 {
		return nil, fmt.Errorf(`history: %v is no length of time; try "1h"`, c.History)
	}
	j := &journald{
		name: name, lined: lined{o}, history: c.History, again: 2 * time.Second, where: "all of the journal",
		argv: []string{"journalctl", "--output=json", "--follow", "--no-pager", "--quiet", "--all"},
	}
	for _, u := range c.Units {
		if !unitName.MatchString(u) {
			return nil, fmt.Errorf("units: %q is no name of a unit", u)
		}
		j.argv = append(j.argv, "--unit="+u)
	}
	for _, m := range c.Matches {
		if !journalMatch.MatchString(m) {
			return nil, fmt.Errorf(`matches: %q is not FIELD=value, such as "CONTAINER_NAME=chat"`, m)
		}
		j.argv = append(j.argv, m)
	}
	if all := append(c.Units, c.Matches...); len(all) > 0 {
		j.where = strings.Join(all, " ")
	}
	return j, nil
}

func (j *journald) Name() string                { return j.name }
func (j *journald) Close() error                { return nil }
func (j *journald) About() (kind, where string) { return "journald", j.where }

// Version is that of systemd.
func (j *journald) Version(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, j.argv[0], "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", j.name, err)
	}
	first, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimPrefix(first, "systemd "), nil
}

// Follow keeps a journalctl running. One that ends is started again after the entry
// that was read last.
func (j *journald) Follow(ctx context.Context, emit func(Batch)) error {
	r := newReader(j.options, emit)
	r.dress = j.dress
	cursor := ""
	for {
		begin := "--since=-" + strconv.FormatInt(int64(j.history/time.Second), 10) + "s"
		if cursor != "" {
			begin = "--after-cursor=" + cursor
		}
		err := j.run(ctx, r, append(j.argv, begin), &cursor)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, exec.ErrNotFound) {
			return fmt.Errorf("%s: journalctl is not installed here: %w", j.name, err)
		}
		r.say(fmt.Sprintf("journalctl ended (%v) and is started again", err), true, time.Now())
		if sleep(ctx, j.again) != nil {
			return nil
		}
		r.note = ""
	}
}

// run reads one child to its end.
func (j *journald) run(ctx context.Context, r *reader, argv []string, cursor *string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "SYSTEMD_COLORS=0"}
	cmd.WaitDelay = time.Second
	dieWithUs(cmd)
	complaint := &tip{}
	cmd.Stderr = complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	in, done := newInflow(), make(chan struct{})
	go func() {
		defer close(done)
		in.end(pump(out, "", in))
	}()
	err = r.drainAs(ctx, in, func(p page, now time.Time) { j.entries(r, p, cursor, now) })
	cancel()
	<-done
	waited := cmd.Wait()
	if text := complaint.String(); text != "" {
		return errors.New(text)
	}
	if err == nil {
		err = waited
	}
	return err
}

// entry is what is used of an entry of the journal.
type entry struct {
	Cursor   string          `json:"__CURSOR"`
	Micros   string          `json:"__REALTIME_TIMESTAMP"`
	Message  json.RawMessage `json:"MESSAGE"`
	Priority json.RawMessage `json:"PRIORITY"`
	Unit     json.RawMessage `json:"_SYSTEMD_UNIT"`
	Tag      json.RawMessage `json:"SYSLOG_IDENTIFIER"`
	Name     json.RawMessage `json:"CONTAINER_NAME"`
}

// entries reads entries, one a line. Each is a line of the log of its unit, or
// several.
func (j *journald) entries(r *reader, p page, cursor *string, now time.Time) {
	for lines := p.lines; lines != ""; {
		var line string
		line, lines, _ = strings.Cut(lines, "\n")
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			r.batch.Lines++
			r.batch.Bad++
			continue
		}
		*cursor = e.Cursor
		at := now
		if us, err := strconv.ParseInt(e.Micros, 10, 64); err == nil {
			at = time.UnixMicro(us).UTC()
		}
		from := cmpOr(journalText(e.Name), strings.TrimSuffix(journalText(e.Unit), ".service"), journalText(e.Tag))
		r.entry(from+"\x00"+journalText(e.Priority), journalText(e.Message), at, now)
	}
}

func cmpOr(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

// journalText reads a field: text, a list of bytes for what is not UTF-8, a list of
// texts for a field that is there twice, null for what was too long.
func journalText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var codes []int
	if json.Unmarshal(raw, &codes) == nil {
		b := make([]byte, len(codes))
		for i, c := range codes {
			b[i] = byte(c)
		}
		return string(b)
	}
	var several []string
	if json.Unmarshal(raw, &several) == nil && len(several) > 0 {
		return several[0]
	}
	return ""
}

// dress adds the unit and the priority to what a line says itself.
func (j *journald) dress(stream string, q *health.Request) {
	unit, priority, _ := strings.Cut(stream, "\x00")
	q.Origin = "journal " + unit
	logs.Dress(q, unit, logs.LevelOfPriority(priority))
}

// tip keeps the beginning of what a child complains about.
type tip struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (t *tip) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if left := maxErrorText - t.buf.Len(); left > 0 {
		t.buf.Write(p[:min(left, len(p))])
	}
	return len(p), nil
}

func (t *tip) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(t.buf.String())
}
