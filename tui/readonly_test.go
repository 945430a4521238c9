package tui

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"sickbay/health"
)

// counter is a ward that counts what it is ordered to do.
type counter struct {
	snap *health.Snapshot
	mu   sync.Mutex
	did  map[health.Verb]int
}

func (c *counter) Snapshot() *health.Snapshot { return c.snap }
func (c *counter) Changed() <-chan struct{}   { return nil }
func (c *counter) Want(health.Interest)       {}

func (c *counter) Submit(o health.Order) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.did[o.Do]++
	return "op-9", nil
}

// masher presses keys on the real Model and runs every command that comes of them.
type masher struct {
	*Model
	now  time.Time
	cmds sync.WaitGroup
}

func newMasher(w *counter, write bool) *masher {
	m := &masher{now: noon}
	m.Model = New(w, Options{Name: "demo", Write: write, Now: func() time.Time { return m.now }, Actor: health.Actor{User: "ann"}})
	m.send(tea.WindowSizeMsg{Width: 120, Height: 40})
	return m
}

func (m *masher) send(msg tea.Msg) {
	_, cmd := m.Update(msg)
	m.obey(cmd)
}

// obey runs commands as the runtime does. Those that only wait are let go.
func (m *masher) obey(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	m.cmds.Go(func() {
		switch msg := cmd().(type) {
		case tea.BatchMsg:
			for _, c := range msg {
				m.obey(c)
			}
		}
	})
}

// mashed are the keys that have a meaning somewhere, those of the dialog among them.
var mashed = []tea.KeyPressMsg{
	{Code: tea.KeyEnter}, {Code: tea.KeyTab}, {Code: tea.KeyEscape}, {Code: tea.KeyUp}, {Code: tea.KeyDown}, {Code: tea.KeyBackspace},
	{Code: 'y', Mod: tea.ModCtrl}, {Code: 'y', Text: "y"}, {Code: 'R', Text: "R", Mod: tea.ModShift}, {Code: 'u', Text: "u"}, {Code: tea.KeySpace, Text: " "},
	{Code: tea.KeyTab, Mod: tea.ModShift}, {Code: 'w', Mod: tea.ModCtrl}, {Code: tea.KeyPgDown}, {Code: ':', Text: ":"}, {Code: 'm', Text: "m"},
}

// spelt are texts that somebody may type or paste in one go.
var spelt = []string{"support-chat/prompt", ":rollback support-chat\r", ":rollback support-chat/prompt\r", ":write\r", "quality fell after v32", "R"}

func (m *masher) spell(text string) {
	for _, r := range text {
		if r == '\r' {
			m.send(tea.KeyPressMsg{Code: tea.KeyEnter})
			continue
		}
		m.send(tea.KeyPressMsg{Code: r, Text: string(r)})
	}
}

// TestInReadOnlyModeNoKeyDoesAnything: 100,000 keys, mashed on a ward that has a plan
// ready and would take any order.
func TestInReadOnlyModeNoKeyDoesAnything(t *testing.T) {
	keys := 100_000
	if testing.Short() {
		keys = 20_000
	}
	for _, c := range []struct {
		name        string
		ward, model bool // allowed to write
	}{{"neither may", false, false}, {"the ward may not", false, true}, {"the viewer may not", true, false}} {
		w := &counter{snap: planned(), did: map[health.Verb]int{}}
		w.snap.Write = c.ward
		m := newMasher(w, c.model)
		r := rand.New(rand.NewPCG(6, 28))
		for n := 0; n < keys/3; n++ {
			m.now = m.now.Add(time.Duration(r.IntN(600)) * time.Millisecond)
			if m.now.Sub(noon) > 40*time.Second { // within the life of the plan
				m.now = noon
			}
			switch k := r.IntN(100); {
			case k < 45:
				m.send(mashed[r.IntN(len(mashed))])
			case k < 97:
				ch := rune(' ' + r.IntN('~'-' '+1))
				m.send(tea.KeyPressMsg{Code: ch, Text: string(ch)})
			case k < 98:
				m.send(tea.PasteMsg{Content: spelt[r.IntN(len(spelt))]})
			default:
				text := spelt[r.IntN(len(spelt))]
				n += len(text)
				m.spell(text)
			}
		}
		m.cmds.Wait()
		if w.did[health.DoRollback] != 0 {
			t.Errorf("%s, and %d rollbacks were ordered", c.name, w.did[health.DoRollback])
		}
		t.Logf("%s: ordered %v", c.name, w.did)
	}
}

// TestTheMasherCouldRollBack: what the test above presses would do it, if it were
// allowed.
func TestTheMasherCouldRollBack(t *testing.T) {
	w := &counter{snap: planned(), did: map[health.Verb]int{}}
	m := newMasher(w, true)
	m.spell("R")
	m.now = m.now.Add(quiet)
	m.send(tea.KeyPressMsg{Code: tea.KeyTab})
	m.spell("support-chat/prompt")
	m.send(tea.KeyPressMsg{Code: tea.KeyTab})
	m.spell(strings.Repeat("quality ", 3))
	m.send(tea.KeyPressMsg{Code: 'y', Mod: tea.ModCtrl})
	m.cmds.Wait()
	if w.did[health.DoRollback] != 1 {
		t.Errorf("ordered %v", w.did)
	}
}
