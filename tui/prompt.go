package tui

import (
	"fmt"
	"strings"

	"sickbay/health"
	"sickbay/themes"
	"sickbay/tui/pane"
)

// What a prompt asks for.
const (
	promptFilter  = "filter"
	promptCommand = "command"
	promptNote    = "note"
	promptSilence = "silence"
	promptExpire  = "expire"
)

// A Prompt is a line that is being typed, in the place of the key line.
type Prompt struct {
	Kind   string // "": none
	Text   string
	Before string // the filter there was, for esc
	About  string // id of the alert to silence
	Title  string // its name
	Hint   string // what is wrong with the line so far
}

// leads are what stands before the line, and what is said behind it.
var leads = map[string]struct{ before, after string }{
	promptFilter:  {"/", "enter keeps it · esc forgets it"},
	promptCommand: {":", "tab completes · enter runs it · esc"},
	promptNote:    {"note: ", "enter writes it in the journal · esc"},
	promptSilence: {"silence %s for: ", "2h why, or 2h service=x why · ctrl+y silences it · esc"},
	promptExpire:  {"end the silence of %s: ", "ctrl+y ends it · esc"},
}

func (s State) pressPrompt(p Press, sc scene) (State, Effect) {
	switch p.Key {
	case "esc":
		return s.forget(), Effect{}
	case "enter":
		if s.Prompt.acts() { // enter never confirms a write
			return s.hint("ctrl+y does it, esc does not"), Effect{}
		}
		return s.entered(sc)
	case "ctrl+y":
		if s.Prompt.acts() {
			return s.silence(sc)
		}
		return s, Effect{}
	case "tab":
		if s.Prompt.Kind == promptCommand {
			s.Prompt.Text = completed(s, sc)
		}
		return s, Effect{}
	case "up", "down":
		if s.Prompt.Kind == promptFilter { // look at what the filter leaves
			m := rowDown
			if p.Key == "up" {
				m = rowUp
			}
			return s.move(sc, m), Effect{}
		}
		return s, Effect{}
	}
	if left, ok := erased(s.Prompt.Text, p.Key); ok {
		if s.Prompt.Text == "" && p.Key == "backspace" {
			return s.forget(), Effect{}
		}
		return s.edit(func(string) string { return left }), Effect{}
	}
	return s.edit(func(l string) string { return typed(l, p.Text) }), Effect{}
}

// acts says whether what is typed leads to a write.
func (p Prompt) acts() bool { return p.Kind == promptSilence || p.Kind == promptExpire }

// hint says behind the line what is wrong with it.
func (s State) hint(text string) State {
	s.Prompt.Hint = text
	return s
}

func (s State) leavePrompt() State {
	s.Prompt = Prompt{}
	return s
}

// edit changes the line; a filter acts while it is typed.
func (s State) edit(change func(string) string) State {
	s.Prompt.Text, s.Prompt.Hint = change(s.Prompt.Text), ""
	if s.Prompt.Kind == promptFilter {
		s = s.filter(s.Prompt.Text)
	}
	return s
}

func (s State) filter(text string) State {
	return s.with(s.focused(), func(p *pane.State) { p.Filter, p.Offset = strings.ToLower(text), 0 })
}

// forget ends a prompt as if it had not been opened.
func (s State) forget() State {
	if s.Prompt.Kind == promptFilter {
		s = s.filter(s.Prompt.Before)
	}
	s.Prompt = Prompt{}
	return s
}

// entered does what the line says.
func (s State) entered(sc scene) (State, Effect) {
	p := s.Prompt
	s.Prompt = Prompt{}
	switch p.Kind {
	case promptCommand:
		return s.command(sc, p.Text)
	case promptNote:
		return s.note(p.Text)
	}
	return s, Effect{}
}

// note hands a line for the journal to the ward.
func (s State) note(text string) (State, Effect) {
	text = strings.TrimSpace(text)
	if text == "" {
		return s.refuse("an empty note is not written"), Effect{}
	}
	order := health.Order{Do: health.DoNote, Reason: text, Plan: health.Plan{Service: s.View.Service}}
	return s, Effect{Order: &order}
}

// drawPrompt is the line while it is typed, and beside it what could be meant.
func drawPrompt(s State, sc scene, w int) string {
	lead := leads[s.Prompt.Kind]
	before := lead.before
	if s.Prompt.acts() {
		before = fmt.Sprintf(before, plain(sc.look, health.Cut(s.Redact.Redact(s.Prompt.Title), 40)))
	}
	r := newRow(sc.look, w).put(themes.Text, " ").put(themes.Accent, before)
	text := plain(sc.look, s.Prompt.Text)
	if room := w - r.used - 2; width(text) > room { // the end is where one types
		for width(text) > max(0, room) && text != "" {
			text = string([]rune(text)[1:])
		}
	}
	r.put(themes.Strong, text).put(themes.Accent, sc.look.Glyph("▏", "_"))
	after := lead.after
	if s.Prompt.Kind == promptCommand {
		if c := candidates(s, sc); s.Prompt.Text != "" && len(c) > 0 {
			after = s.Redact.Redact(strings.Join(c[:min(len(c), 12)], "   "))
		}
	}
	role := themes.Faint
	if s.Prompt.Hint != "" {
		role, after = themes.Warn, s.Prompt.Hint
	}
	return r.put(themes.Text, "   ").put(role, after).String()
}
