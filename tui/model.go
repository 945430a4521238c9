package tui

import (
	"context"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"sickbay/health"
	"sickbay/themes"
	"sickbay/tui/pane"
)

// Options are what a viewer brings along. The zero value of each field is the
// careful one.
type Options struct {
	Look    *themes.Look                            // nil: the default theme
	Themes  func(name string) (*themes.Look, error) // nil: themes.Load, as ASCII as Look
	Write   bool                                    // this viewer may act, if the ward allows it as well
	Name    string                                  // of what is looked at: "demo"
	View    pane.View                               // where to start; zero fields get their usual values
	Window  time.Duration                           // 0: View.Window
	Content string                                  // "hidden", "redacted", "full"; "": View.Content
	Keys    Keys                                    // see Bind; zero: as they come
	Actor   health.Actor                            // who acts
	Now     func() time.Time                        // nil: time.Now
	FPS     int                                     // of Run; 0: enough
	Redact  *health.Redactor                        // what masks secrets; nil: the standard one
}

// A Model is the program around a State: it waits for the ward, ticks, and hands
// keys to the State. It is used by one goroutine at a time.
type Model struct {
	ward     Ward
	options  Options
	look     *themes.Look
	state    State
	scene    scene
	pictures *pictures
	counting bool // a second's tick for the dialog is under way
}

// The largest screen that is drawn; a terminal that claims more gets this much.
const (
	maxWidth  = 500
	maxHeight = 200
)

// New makes the program for one viewer.
func New(ward Ward, o Options) *Model {
	if o.Now == nil {
		o.Now = time.Now
	}
	look := o.Look
	if look == nil {
		look, _ = themes.Load("default") // embedded, and loaded by a test
	}
	if o.Window != 0 {
		o.View.Window = o.Window
	}
	if o.Content != "" {
		o.View.Content = o.Content
	}
	m := &Model{ward: ward, options: o, look: look, state: NewState(o.View), pictures: newPictures()}
	m.state.Name, m.state.Write, m.state.Redact = o.Name, o.Write, o.Redact.Remembering()
	if o.Keys.rows != nil {
		m.state.Keys = o.Keys
	}
	m.settle()
	return m
}

// enough pictures a second: the program wakes up so often whether or not there is one to
// draw, and half of what a dashboard at rest costs is waking up. A key is seen 33 ms
// later on average, 67 at most.
const enough = 15

// Run shows the screen until the viewer leaves or ctx ends.
func Run(ctx context.Context, ward Ward, o Options, extra ...tea.ProgramOption) error {
	if o.FPS == 0 {
		o.FPS = enough
	}
	all := append([]tea.ProgramOption{tea.WithContext(ctx), tea.WithFPS(o.FPS)}, extra...)
	_, err := tea.NewProgram(New(ward, o), all...).Run()
	return err
}

// The messages of this program. Everything else it knows is in snapshots.
type (
	changedMsg   struct{} // the ward has something new
	goneMsg      struct{} // the ward has closed
	minuteMsg    struct{} // ages have grown by a minute
	secondMsg    struct{} // the dialog counts
	submittedMsg struct {
		order health.Order
		id    string
		err   error
	}
)

// Init begins to wait and to tick.
func (m *Model) Init() tea.Cmd { return tea.Batch(m.wait(), nextMinute()) }

// wait waits for the ward to change, once.
func (m *Model) wait() tea.Cmd {
	changed := m.ward.Changed()
	if changed == nil {
		return nil
	}
	return func() tea.Msg {
		if _, open := <-changed; !open {
			return goneMsg{}
		}
		return changedMsg{}
	}
}

func nextMinute() tea.Cmd {
	return tea.Every(time.Minute, func(time.Time) tea.Msg { return minuteMsg{} })
}

// Update makes the next State of a message. At its end the ward is told what is
// looked at: right here, since commands run in no order and an older wish could
// win.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	m.settle()
	cmd := m.handle(msg)
	m.settle()
	m.ward.Want(m.state.Interest())
	return m, tea.Batch(cmd, m.count())
}

func (m *Model) handle(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.scene.w, m.scene.h = min(max(msg.Width, 0), maxWidth), min(max(msg.Height, 0), maxHeight)
	case tea.KeyPressMsg:
		var e Effect
		m.state, e = m.state.press(Press{Key: msg.String(), Text: msg.Text, Repeat: msg.IsRepeat}, m.scene)
		return m.effect(e)
	case tea.PasteMsg:
		m.state = m.state.paste(msg.Content, m.scene)
	case changedMsg:
		return m.wait()
	case minuteMsg:
		return nextMinute()
	case secondMsg:
		m.counting = false
	case submittedMsg:
		m.state = m.state.submitted(msg.order, msg.id, msg.err)
	case tea.ColorProfileMsg:
		if msg.Profile <= colorprofile.ASCII {
			m.look = m.look.With(m.look.ASCII, false)
		}
	}
	return nil
}

// settle brings the scene up to date and the State in line with it.
func (m *Model) settle() {
	newest := m.ward.Snapshot()
	m.state = m.state.learned(newest)
	m.scene.snap = m.state.shown(newest)
	m.scene.look, m.scene.redact, m.scene.now = m.look, m.state.Redact, m.options.Now()
	m.state = m.state.settled(m.scene)
}

// count ticks each second while the dialog shows how long a plan is good, and at
// no other time: an idle second sends nothing.
func (m *Model) count() tea.Cmd {
	if !m.state.Confirm.Open || m.counting {
		return nil
	}
	m.counting = true
	return tea.Tick(time.Second, func(time.Time) tea.Msg { return secondMsg{} })
}

func (m *Model) effect(e Effect) tea.Cmd {
	switch {
	case e.Quit:
		return tea.Quit
	case e.Suspend:
		return tea.Suspend
	case e.Copy != "":
		return tea.SetClipboard(e.Copy)
	case e.Theme != "":
		m.setTheme(e.Theme)
	case e.Order != nil:
		return m.submit(*e.Order)
	}
	return nil
}

// submit hands an order over, away from the keys: writing it down may take as
// long as the disk likes.
func (m *Model) submit(o health.Order) tea.Cmd {
	o.By = m.options.Actor
	return func() tea.Msg {
		id, err := m.ward.Submit(o)
		return submittedMsg{o, id, err}
	}
}

func (m *Model) setTheme(name string) {
	load := m.options.Themes
	if load == nil {
		load = themes.Load
	}
	look, err := load(name)
	if err != nil {
		m.state = m.state.refuse(fmt.Sprintf("theme %s: %v", name, err))
		return
	}
	m.look = look.With(m.look.ASCII, !m.look.Plain)
	m.state = m.state.say("theme " + name)
}

// View draws the State.
func (m *Model) View() tea.View {
	v := tea.NewView(m.pictures.draw(m.state, m.scene))
	v.AltScreen = true
	return v
}
