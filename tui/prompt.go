package tui

import (
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
)

// A Prompt is a line that is being typed, in the place of the key line.
type Prompt struct {
	Kind   string // "": none
	Text   string
	Before string // the filter there was, for esc
}

// leads are what stands before the line, and what is said behind it.
var leads = map[string]struct{ before, after string }{
	promptFilter:  {"/", "enter keeps it · esc forgets it"},
	promptCommand: {":", "tab completes · enter runs it · esc"},
	promptNote:    {"note: ", "enter writes it in the journal · esc"},
}

func (s State) pressPrompt(p Press, sc scene) (State, Effect) {
	switch p.Key {
	case "esc":
		return s.forget(), Effect{}
	case "enter":
		return s.entered(sc)
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

// edit changes the line; a filter acts while it is typed.
func (s State) edit(change func(string) string) State {
	s.Prompt.Text = change(s.Prompt.Text)
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
	r := newRow(sc.look, w).put(themes.Text, " ").put(themes.Accent, lead.before)
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
			after = strings.Join(c[:min(len(c), 12)], "   ")
		}
	}
	return r.put(themes.Text, "   ").put(themes.Faint, after).String()
}
