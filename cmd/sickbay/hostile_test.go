package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"sickbay/health"
	"sickbay/rollback"
	"sickbay/tui/pane"
)

// TestNothingHostileReachesTheTerminal walks through the views of the real program, in
// a world that says the corpus of hostile strings wherever it can say anything: what
// the program sends is of kinds that it means to send, the terminal keeps its modes,
// its title and its clipboard, nobody types but the test, and none of the corpus's
// secrets is drawn, copied, written or printed. SICKBAY_HOSTILE names another corpus.
func TestNothingHostileReachesTheTerminal(t *testing.T) {
	t.Parallel()
	w := newHostileWorld(t)
	m := openTerminal(t, 120, 40, "--config", w.path, "--write")
	v := visitor{terminal: m, stream: filepath.Join(m.dir, "stream"), hidden: secrets(w.all), waiting: w.all, rows: 40, title: m.ask("#{pane_title}")}
	m.tmux("pipe-pane", "-t", "t", "cat > "+shellWord(v.stream), ";", "set", "-s", "set-clipboard", "on")
	m.sees(`SERVICE .*KIND`, soon)
	m.press("4")
	m.sees(`(?m)^.(new|grown|known) `, soon)
	v.walk()
	v.requests()
	v.dialogs()
	m.resize(80, 24)
	v.rows = 24
	for _, view := range []string{"1", "2", "4", "5", "6", "7", "8"} {
		v.does("at 80x24, view "+view, view)
	}
	m.press("q")
	m.restored(0, soon)
	t.Logf("%d screens looked at, %d texts copied, %d of %d texts of the corpus seen", v.screens, v.copies, len(w.all)-len(v.waiting), len(w.all))
	if seen := len(w.all) - len(v.waiting); seen < len(w.all)/4 || v.copies < 10 {
		t.Errorf("%d of %d texts were on a screen, %d were copied: nothing was tried", seen, len(w.all), v.copies)
	}

	sent, err := os.ReadFile(v.stream)
	if err != nil {
		t.Fatal(err)
	}
	for what, n := range sequences(sent) {
		if !meant[what] || what == "OSC 52" && n > v.yanks {
			t.Errorf("the program sent %s, %d times", what, n)
		}
	}
	v.written()
	v.printed(w.path)
}

// A visitor looks at the screens of a terminal and at what the program leaves behind.
type visitor struct {
	*terminal
	hidden  []secret
	waiting []foul // that no screen has shown yet
	stream  string // file with all that the program sent
	title   string
	rows    int // of the terminal
	screens int
	yanks   int // times that the key to copy was pressed
	copies  int
	leaked  map[string]bool
}

// leaks reports secrets in a text, each once.
func (v *visitor) leaks(where, text string) {
	v.t.Helper()
	for _, s := range seenIn(text, v.hidden) {
		if v.leaked == nil {
			v.leaked = map[string]bool{}
		}
		if key := where + s; !v.leaked[key] {
			v.leaked[key] = true
			v.t.Errorf("%s shows %s", where, s)
		}
	}
}

const modes = "alternate #{alternate_on} cursor #{cursor_flag} mouse #{mouse_any_flag} insert #{insert_flag} origin #{origin_flag} wrap #{wrap_flag} keypad #{keypad_flag} scroll #{scroll_region_upper}-#{scroll_region_lower} title #{pane_title}"

// does presses keys, gives the program a moment, and checks the screen and the
// terminal as they are then. All of it is one call of tmux: calls are what costs.
func (v *visitor) does(what string, keys ...string) string {
	v.t.Helper()
	v.screens++
	if slices.Contains(keys, "y") {
		v.yanks++
	}
	press := append([]string{"send-keys", "-t", "t"}, keys...)
	said := v.tmux(append(press, ";", "run-shell", "sleep 0.06", ";", "display", "-p", "-t", "t", modes, ";", "capture-pane", "-p", "-t", "t")...)
	state, screen, _ := strings.Cut(said, "\n")
	want := fmt.Sprintf("alternate 1 cursor 0 mouse 0 insert 0 origin 0 wrap 1 keypad 0 scroll 0-%d title %s", v.rows-1, v.title)
	if state != want {
		v.t.Errorf("%s: the terminal is %q, want %q", what, state, want)
	}
	v.leaks(what, screen)
	left := v.waiting[:0:0]
	for _, f := range v.waiting {
		if !strings.Contains(screen, f.drawn()) {
			left = append(left, f)
		}
	}
	v.waiting = left
	return screen
}

// walk goes through all views, and through the pages of the longest lists.
func (v *visitor) walk() {
	for _, view := range []string{"1", "2", "3", "4", "5", "6", "7", "8"} {
		v.does("view "+view, view)
		for pane := range 2 {
			where := fmt.Sprintf("view %s, pane %d", view, pane)
			v.does(where+", explained", "PageDown", "y", "e")
			v.copied(where)
			v.does(where+", the end", "e", "End", "Tab")
		}
	}
	for _, view := range []string{"4", "6"} {
		v.does("the list of view "+view, view, "z")
		for page := range 4 {
			v.does(fmt.Sprintf("page %d of view %s", page, view), "PageDown")
		}
		v.press("z")
	}
}

// requests opens those of the service that is ill.
func (v *visitor) requests() {
	v.choose()
	v.press("i")
	v.sees(`REQUEST `, soon)
	for i := range 3 {
		where := fmt.Sprintf("request %d", i)
		v.does(where, "y")
		v.copied(where)
		v.does(where+", further down", "PageDown")
		v.does(where+", its trace", "End", "Tab", "End")
		v.does(where+", beside a good one", "Tab", "=")
		v.press("=", "n")
	}
	v.does("the request left", "Escape") // and a rest: with a key right behind it, it would be another key
}

// choose selects the service that is ill.
func (v *visitor) choose() {
	v.press("1", "/")
	v.sees(`enter keeps it`, soon)
	v.press("C-u", "c", "h", "a", "t")
	v.sees(`/chat▏`, soon)
	v.press("Enter")
	v.sees(`(?m)^▌. chat [^▏]*$(?:\n.*)*R roll back`, soon)
}

// copied looks at what went to the clipboard, and empties it.
func (v *visitor) copied(where string) {
	v.t.Helper()
	out, err := v.command("show-buffer", ";", "delete-buffer").Output()
	if err != nil {
		return // nothing can be copied here
	}
	v.copies++
	v.leaks(where+", copied", string(out))
	if what := harmful(string(out), false); what != "" || len(out) > 4096 {
		v.t.Errorf("%s: %d bytes were copied, %s", where, len(out), what)
	}
}

// dialogs looks at a plan, writes secrets into a note, and writes a report.
func (v *visitor) dialogs() {
	v.choose()
	v.does("what can be rolled back", "R")
	v.sees(`What is to be rolled back`, soon)
	v.rests(500*time.Millisecond, `What is to be rolled back`) // as long as the dialog hears nothing
	v.press("Enter")
	v.sees(`type the name|esc cancels`, soon)
	v.does("the plan", "Down")
	v.does("the dialog left", "Escape")
	v.sees(`nothing was rolled back`, soon)
	if said, err := os.ReadFile(v.stream); err != nil {
		v.t.Error(err)
	} else { // what the test types itself is seen while it is half typed
		v.leaks("what was sent", ansi.Strip(string(said)))
	}
	v.press("m")
	v.sees(`note: ▏`, soon)
	for _, s := range v.hidden {
		if s.of.Name == "openai" || s.of.Name == "card" {
			v.tmux("send-keys", "-t", "t", "-l", string(s.of.Bytes)+" ")
		}
	}
	v.press("Enter")
	v.sees(`written in the journal`, soon)
	v.press("E")
	v.sees(`report-\d+`, soon)
	v.does("journal", "8")
}

// written looks at everything that was left in files.
func (v *visitor) written() {
	v.t.Helper()
	seen := 0
	err := filepath.WalkDir(filepath.Join(v.dir, "state"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		seen++
		v.leaks(filepath.Base(path), string(text))
		return err
	})
	if err != nil || seen < 3 {
		v.t.Errorf("a journal and two reports should be there: %d files, %v", seen, err)
	}
}

// printed looks at what the commands print. They share one look at everything: under
// the race detector it is what costs.
func (v *visitor) printed(config string) {
	v.t.Helper()
	var out bytes.Buffer
	a := &app{out: &out, err: &out, now: time.Now, patience: leisure, getenv: func(name string) string {
		return map[string]string{"HOME": v.dir, "XDG_STATE_HOME": filepath.Join(v.dir, "state"), "SICKBAY_CONFIG": config}[name]
	}}
	cfg, err := a.settings()
	if err != nil {
		v.t.Fatal(err)
	}
	h, err := a.build(cfg, a.journalPath(), rollback.DeskOptions{})
	if err != nil {
		v.t.Fatal(err)
	}
	defer h.Close()
	look, err := a.look(cfg)
	if err != nil {
		v.t.Fatal(err)
	}
	s := h.round(v.t.Context(), health.Interest{Lens: health.Lens{Window: cfg.Window}, Service: "*"})
	entries, err := a.allEntries()
	if err != nil {
		v.t.Fatal(err)
	}
	remarks := diagnose(v.t.Context(), s, h)
	picture := func(screen, format string) func() error {
		return func() error {
			return a.picture(&out, s, seen{pane.View{Screen: screen, Service: "chat", Window: cfg.Window}, &cfg.Redact}, 200, 100, look, format)
		}
	}
	command := func(args ...string) func() error {
		return func() error { a.run(v.t.Context(), args); return nil }
	}
	for what, print := range map[string]func() error{
		"snapshot --format json":    func() error { return a.document(s.Document(a.now())) },
		"snapshot --format text":    picture("failures", "text"),
		"snapshot --format ansi":    picture("sources", "ansi"),
		"snapshot --format svg":     picture("changes", "svg"),
		"check":                     func() error { a.check(s, "", false); return nil },
		"check --json":              func() error { a.check(s, "", true); return nil },
		"doctor":                    func() error { a.report(remarks, false); return nil },
		"doctor --json":             func() error { a.report(remarks, true); return nil },
		"init":                      func() error { a.printConfig(s); return nil },
		"report --format md":        func() error { return handOver(s, entries, time.Time{}, "", cfg.Redact).markdown(&out) },
		"report --format json":      func() error { return a.document(handOver(s, entries, time.Time{}, "", cfg.Redact)) },
		"journal show":              command("journal", "show"),
		"journal export":            command("journal", "export"),
		"journal export --json":     command("journal", "export", "--format", "json"),
		"an error of the arguments": command("check", "--service", string(v.hidden[0].of.Bytes)),
	} {
		out.Reset()
		if err := print(); err != nil || out.Len() < 30 {
			v.t.Errorf("%s prints %q, %v", what, out.String(), err)
		}
		v.leaks(what, out.String())
		if acts := harmful(out.String(), strings.HasSuffix(what, "ansi")); acts != "" {
			v.t.Errorf("%s prints %s", what, acts)
		}
	}
}

// meant are the kinds of control that the program means to send, as sequences names
// them: the cursor, erasing, colours and repeated cells as the renderer of Bubble Tea
// writes them; modes that it sets and takes back, and two it asks about; what y copies.
var meant = func() map[string]bool {
	kinds := map[string]bool{"OSC 52": true}
	for _, final := range "@ABCDEFGHIJKLMPSTXZ`abdemrg" {
		kinds["CSI "+string(final)] = true
	}
	for _, mode := range []string{"?25", "?7", "?1049", "?2004", "?2026", "4"} {
		kinds["CSI "+mode+"h"], kinds["CSI "+mode+"l"] = true, true
	}
	for _, other := range []string{
		"CSI >1u", "CSI <1u", "CSI ?u", "CSI >4;2m", "CSI >4m", "CSI ?5W", "CSI ?2026$p", "CSI ?2027$p",
		`ESC "M"`, "C0 0x08", "C0 0x09", "C0 0x0a", "C0 0x0d",
	} {
		kinds[other] = true
	}
	return kinds
}()

// sequences counts the kinds of control in what a program sends: "CSI m", "OSC 52",
// "CSI ?25h", "C0 0x07".
func sequences(sent []byte) map[string]int {
	kinds := map[string]int{}
	p := ansi.GetParser()
	defer ansi.PutParser(p)
	var state byte
	for len(sent) > 0 {
		seq, _, n, next := ansi.DecodeSequence(sent, state, p)
		switch {
		case bytes.HasPrefix(seq, []byte("\x1b[")) || len(seq) > 0 && seq[0] == 0x9b:
			kinds[csi(string(seq))]++
		case bytes.HasPrefix(seq, []byte("\x1b]")):
			number, _, _ := strings.Cut(string(seq[2:]), ";")
			kinds["OSC "+strings.TrimRight(number, "\a\x1b\\")]++
		case len(seq) > 0 && seq[0] == 0x1b:
			kinds[fmt.Sprintf("ESC %q", seq[1:min(len(seq), 3)])]++
		case len(seq) > 0 && (seq[0] < ' ' || seq[0] == 0x7f):
			kinds[fmt.Sprintf("C0 %#02x", seq[0])]++
		case len(seq) > 0 && seq[0] >= 0x80 && seq[0] < 0xa0:
			kinds[fmt.Sprintf("C1 %#02x", seq[0])]++
		}
		state, sent = next, sent[n:]
	}
	return kinds
}

// csi names a control sequence by its final byte, modes and private ones by all of it.
func csi(seq string) string {
	body, final := seq[2:len(seq)-1], seq[len(seq)-1:]
	if strings.ContainsAny(body, "?><=! $") || final == "h" || final == "l" {
		return "CSI " + body + final
	}
	return "CSI " + final
}

// drawn is the beginning of a foul as a screen shows it; long enough to know it by.
func (f foul) drawn() string {
	text := []rune(strings.TrimSpace(health.Clean(health.Redact(f.label()))))
	return string(text[:min(len(text), 12)])
}

var colours = regexp.MustCompile("\x1b\\[[0-9;:]*m")

// harmful says what a terminal would act on in a text that should have nothing but
// lines and, where painted, colours; "" if there is nothing.
func harmful(text string, painted bool) string {
	if painted {
		text = colours.ReplaceAllString(text, "")
	}
	for i, l := range strings.Split(text, "\n") {
		if c := health.Clean(l); c != l {
			return fmt.Sprintf("line %d: %q", i+1, clip(l))
		}
	}
	return ""
}

// TestSecretsAreMaskedWhateverStandsAroundThem: raw, or cleaned before as what servers
// say is, between other texts of the corpus.
func TestSecretsAreMaskedWhateverStandsAroundThem(t *testing.T) {
	all := fouls(t)
	hidden := secrets(all)
	for i, s := range hidden {
		for _, around := range []string{"%s", "\n%s\n", "failed: %s", hidden[(i+1)%len(hidden)].of.label() + " %s", "%s " + hidden[(i+3)%len(hidden)].of.label()} {
			text := strings.Replace(around, "%s", s.of.label(), 1)
			for how, masked := range map[string]string{"raw": health.Redact(text), "cleaned": health.Redact(health.Clean(text)), "clean": health.Clean(health.Redact(text))} {
				for _, seen := range seenIn(masked, hidden) {
					t.Errorf("%s, in %q: %q shows %s", how, around, masked, seen)
				}
			}
		}
	}
}
