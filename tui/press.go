package tui

import (
	"fmt"
	"strings"

	"sickbay/health"
)

// A Press is one key as it was pressed.
type Press struct {
	Key    string // as the key table writes it: "x", "X", "ctrl+x", "enter"
	Text   string // what it types; "" nothing
	Repeat bool   // the key is held down
}

// press is what a key makes of a State. It is pure: the same State, key and scene
// give the same answer.
func (s State) press(p Press, sc scene) (State, Effect) {
	s = s.settled(sc)
	s.Message, s.Awaits = Message{}, ""
	switch p.Key {
	case "alt+esc": // pressed twice: on a slow link both arrive as one
		p.Key = "esc"
	case "ctrl+c":
		return s, Effect{Quit: true}
	case "ctrl+z":
		return s, Effect{Suspend: true}
	}
	var e Effect
	switch {
	case s.Confirm.Open:
		s, e = s.pressConfirm(p, sc)
	case s.Sheet.Kind != "":
		s = s.pressSheet(p, sc)
	case s.Prompt.Kind != "":
		s, e = s.pressPrompt(p, sc)
	default:
		s, e = s.pressKey(p, sc)
	}
	return s.settled(sc), e
}

// pressKey looks the key up in the table, and does it or says why not.
func (s State) pressKey(p Press, sc scene) (State, Effect) {
	k, ok := s.Keys.find(p.Key, s.View.Screen)
	if !ok {
		return s.refuse(fmt.Sprintf("%s does nothing here; %s shows the keys", printed(health.Clean(p.Key)), s.keyOf("help"))), Effect{}
	}
	return s.run(k, sc)
}

// run does what a row of the key table says.
func (s State) run(k Key, sc scene) (State, Effect) {
	if why := k.why(s, sc); why != "" {
		return s.refuse(why), Effect{}
	}
	return k.Do(s, sc)
}

// paste is text that arrives at once. It goes where text is typed, as one line;
// everywhere else it is ignored, so that a paste can never be a row of keys.
func (s State) paste(text string, sc scene) State {
	s = s.settled(sc)
	s.Message = Message{}
	line := strings.Join(strings.Fields(text), " ")
	switch {
	case s.Confirm.Open:
		s.Confirm = s.Confirm.paste(line, sc)
	case s.Prompt.Kind != "":
		s = s.edit(func(l string) string { return typed(l, line) })
	default:
		s = s.refuse("pasted text goes nowhere here")
	}
	return s.settled(sc)
}

// longest is how much can be typed into one line.
const longest = 400

// typed is a line with text put at its end. What could not be drawn is not typed.
func typed(line, text string) string {
	text = health.Clean(text)
	if len(line)+len(text) > longest {
		return line
	}
	return line + text
}

// erased is what the editing keys leave of a line; ok is false for other keys.
func erased(line, key string) (left string, ok bool) {
	switch key {
	case "backspace", "ctrl+h":
		runes := []rune(line)
		return string(runes[:max(0, len(runes)-1)]), true
	case "ctrl+w":
		trimmed := strings.TrimRight(line, " ")
		return trimmed[:strings.LastIndex(trimmed, " ")+1], true
	case "ctrl+u":
		return "", true
	}
	return line, false
}
