package tui

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"sickbay/health"
)

// newModel is a program that is not run: its messages are given by hand.
func newModel(w *still) *Model {
	return New(w, Options{Name: "demo", Write: true, Now: func() time.Time { return noon }, Actor: health.Actor{User: "ann"}})
}

func TestTheWardIsToldWhatIsLookedAtAtTheEndOfEveryUpdate(t *testing.T) {
	w := &still{snap: ward()}
	m := newModel(w)
	for i, msg := range []tea.Msg{
		tea.WindowSizeMsg{Width: 120, Height: 40},
		tea.KeyPressMsg{Code: 't', Text: "t"},
		tea.KeyPressMsg{Code: 'i', Text: "i"},
	} {
		m.Update(msg)
		if len(w.wants) != i+1 {
			t.Fatalf("told %d times after %d messages", len(w.wants), i+1)
		}
	}
	want := health.Interest{Lens: health.Lens{Window: 6 * time.Hour}, Request: "req-9000"}
	if got := w.wants[2]; got != want {
		t.Errorf("wanted is %+v, want %+v", got, want)
	}
}

func TestANewSnapshotIsShownAndWaitedForAgain(t *testing.T) {
	w := &still{snap: ward(), changed: make(chan struct{}, 1)}
	m := newModel(w)
	m.Update(tea.WindowSizeMsg{Width: 120, Height: 40})
	next := ward()
	next.Version, next.Services = 8, next.Services[1:]
	w.snap = next
	w.changed <- struct{}{}
	msg := m.wait()()
	if _, cmd := m.Update(msg); cmd == nil {
		t.Errorf("nobody waits for the next change")
	}
	if got := Text(m.View().Content); strings.Contains(got, "✗ support-chat") || !strings.Contains(got, "▲ docs-answers") {
		t.Errorf("the new snapshot is not on the screen:\n%s", got)
	}
	close(w.changed)
	if _, gone := m.wait()().(goneMsg); !gone {
		t.Errorf("a closed ward is waited for again")
	}
}

func TestAnAbsurdWindowIsClamped(t *testing.T) {
	m := newModel(&still{snap: ward()})
	if m.View().Content != "" {
		t.Errorf("something is drawn before the size is known")
	}
	m.Update(tea.WindowSizeMsg{Width: 60000, Height: 60000})
	if rows := strings.Split(m.View().Content, "\n"); len(rows) != maxHeight || len(Text(rows[0])) > maxWidth+10 {
		t.Errorf("%d rows of %d", len(rows), len(rows[0]))
	}
	m.Update(tea.WindowSizeMsg{Width: -1, Height: -1})
	m.View()
}

func TestAnOrderIsHandedOverWithItsActorAwayFromTheKeys(t *testing.T) {
	w := &still{snap: planned()}
	m := newModel(w)
	m.scene.w, m.scene.h = 120, 40
	h := filled(planned())
	m.state = h.State
	m.options.Now = func() time.Time { return h.now }
	_, cmd := m.Update(tea.KeyPressMsg{Code: 'y', Mod: tea.ModCtrl})
	if len(w.orders) != 0 || !m.state.Confirm.Sending {
		t.Fatalf("the key itself waited for the ward, or nothing was sent: %+v", m.state.Confirm)
	}
	for _, msg := range run(cmd) {
		if s, ok := msg.(submittedMsg); ok {
			m.Update(s)
		}
	}
	if len(w.orders) != 1 || w.orders[0].By.User != "ann" || m.state.Op != "op-9" || m.state.Confirm.Open {
		t.Errorf("orders %+v, dialog %+v", w.orders, m.state.Confirm)
	}
}

// run runs a command and what it is made of, but not those that only wait.
func run(cmd tea.Cmd) []tea.Msg {
	if cmd == nil {
		return nil
	}
	got := make(chan tea.Msg, 1)
	go func() { got <- cmd() }()
	select {
	case msg := <-got:
		if batch, ok := msg.(tea.BatchMsg); ok {
			var all []tea.Msg
			for _, c := range batch {
				all = append(all, run(c)...)
			}
			return all
		}
		return []tea.Msg{msg}
	case <-time.After(50 * time.Millisecond):
		return nil
	}
}

func TestWithoutColourTheLookIsPlain(t *testing.T) {
	m := newModel(&still{snap: ward()})
	m.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
	m.Update(tea.ColorProfileMsg{Profile: colorprofile.ASCII})
	if !m.look.Plain {
		t.Errorf("the look still has colours")
	}
	m.Update(tea.ColorProfileMsg{Profile: colorprofile.ANSI})
	if s := m.View().Content; strings.Contains(s, "\x1b[3") {
		t.Errorf("colours are drawn: %q", s[:200])
	}
}

func TestThemesChangeAndFaultsAreSaid(t *testing.T) {
	m := newModel(&still{snap: ward()})
	m.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
	m.effect(Effect{Theme: "light"})
	if m.look.Name != "light" {
		t.Errorf("the theme is %q", m.look.Name)
	}
	m.effect(Effect{Theme: "nothing"})
	if m.look.Name != "light" || m.state.Message.Text == "" {
		t.Errorf("a theme that does not exist changed the look or was not reported")
	}
}

// A tape is what a program wrote.
type tape struct {
	bytes.Buffer
}

// TestTheWholeProgramQuits starts a real program, once: everything else is tested
// as values.
func TestTheWholeProgramQuits(t *testing.T) {
	var out tape
	in, keys := io.Pipe()
	go func() {
		time.Sleep(50 * time.Millisecond)
		keys.Write([]byte("q"))
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := Run(ctx, &still{snap: ward()}, Options{Name: "demo", Now: func() time.Time { return noon }},
		tea.WithInput(in), tea.WithOutput(&out), tea.WithWindowSize(80, 24), tea.WithEnvironment([]string{"TERM=xterm"}), tea.WithoutSignals())
	if err != nil && !errors.Is(err, tea.ErrProgramKilled) {
		t.Fatal(err)
	}
	if ctx.Err() != nil {
		t.Fatal("q does not quit")
	}
	if !strings.Contains(out.String(), "support-chat") {
		t.Errorf("nothing was drawn: %q", out.String())
	}
}

func TestMinutesAndSecondsAreTickedOnlyWhenTheyShow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(&still{snap: ward()})
		if m.count() != nil {
			t.Errorf("seconds are counted without a dialog")
		}
		m.state.Confirm.Open = true
		cmd := m.count()
		if cmd == nil || m.count() != nil {
			t.Fatalf("an open dialog is counted by one clock")
		}
		if _, ok := cmd().(secondMsg); !ok {
			t.Errorf("no second")
		}
		if _, ok := nextMinute()().(minuteMsg); !ok {
			t.Errorf("no minute")
		}
	})
}
