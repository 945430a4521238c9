package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sickbay/health"
	"sickbay/themes"
	"sickbay/tui/pane"
)

// A command is a word on the command line and what may stand behind it. Every
// action of the key table is a command as well.
type command struct {
	name string
	args func(State, scene) []string // what completion offers; nil: nothing to offer
	run  func(s State, sc scene, arg string) (State, Effect)
}

func commands() []command {
	return []command{
		{"service", serviceNames, runService},
		{"rollback", targetNames, runRollback},
		{"window", windowNames, runWindow},
		{"at", nil, runAt},
		{"reference", referenceNames, runReference},
		{"theme", func(State, scene) []string { return themes.Names() }, runTheme},
		{"content", func(State, scene) []string { return contents }, runContent},
		{"note", nil, func(s State, _ scene, arg string) (State, Effect) { return s.note(arg) }},
	}
}

// command runs a line of the command prompt.
func (s State) command(sc scene, line string) (State, Effect) {
	name, arg, hasArg := strings.Cut(strings.TrimSpace(line), " ")
	arg = strings.TrimSpace(arg)
	if name == "" {
		return s, Effect{}
	}
	for _, c := range commands() {
		if c.name == name && (hasArg || !s.isAction(name)) {
			return c.run(s, sc, arg)
		}
	}
	if k, ok := s.Keys.named(name, s.View.Screen); ok {
		if hasArg {
			return s.refuse(fmt.Sprintf("%s takes nothing behind it", name)), Effect{}
		}
		return s.run(k, sc)
	}
	return s.refuse(fmt.Sprintf("no command %q%s", health.Clean(name), meant(name, words(s)))), Effect{}
}

func (s State) isAction(name string) bool {
	_, ok := s.Keys.named(name, s.View.Screen)
	return ok
}

// words are the first words of all commands, those with something behind first.
func words(s State) []string {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	for _, k := range s.Keys.all() {
		if k.applies(s.View.Screen) && !slices.Contains(names, k.Name) {
			names = append(names, k.Name)
		}
	}
	return names
}

// candidates are the whole lines that begin with what is typed.
func candidates(s State, sc scene) []string {
	text := strings.TrimLeft(s.Prompt.Text, " ")
	name, arg, hasArg := strings.Cut(text, " ")
	if !hasArg {
		return beginning(words(s), name, "")
	}
	for _, c := range commands() {
		if c.name == name && c.args != nil {
			return beginning(c.args(s, sc), strings.TrimLeft(arg, " "), name+" ")
		}
	}
	return nil
}

func beginning(all []string, with, before string) []string {
	var out []string
	for _, a := range all {
		if strings.HasPrefix(a, with) {
			out = append(out, before+a)
		}
	}
	return out
}

// completed is the line as far as all candidates agree; where they already
// differ, the first of them.
func completed(s State, sc scene) string {
	c := candidates(s, sc)
	if len(c) == 0 {
		return s.Prompt.Text
	}
	common := c[0]
	for _, other := range c[1:] {
		for !strings.HasPrefix(other, common) {
			common = common[:len(common)-1]
		}
	}
	if len(c) == 1 {
		for _, cmd := range commands() {
			if cmd.name == common {
				return common + " "
			}
		}
	}
	if common == s.Prompt.Text {
		return c[0]
	}
	return strings.ToValidUTF8(common, "")
}

func serviceNames(_ State, sc scene) []string {
	var names []string
	for _, v := range sc.snap.Services {
		names = append(names, health.Clean(v.Name))
	}
	return names
}

func runService(s State, sc scene, arg string) (State, Effect) {
	if _, ok := sc.snap.Service(arg); !ok {
		return s.refuse(fmt.Sprintf("no service %q%s", arg, meant(arg, serviceNames(s, sc)))), Effect{}
	}
	s = s.with("services", func(p *pane.State) { p.Selected = arg })
	s.View.Service = arg
	return s.goTo("service"), Effect{}
}

func targetNames(_ State, sc scene) []string {
	var names []string
	for _, v := range sc.snap.Services {
		for _, t := range v.Targets {
			names = append(names, health.Clean(t.Name))
		}
	}
	return names
}

// runRollback opens the dialog for a service or one of its targets. It may less
// than the key, never more.
func runRollback(s State, sc scene, arg string) (State, Effect) {
	for _, v := range sc.snap.Services {
		of := v.Name == arg || slices.ContainsFunc(v.Targets, func(t health.Target) bool { return t.Name == arg })
		if !of {
			continue
		}
		asked := s
		asked.View.Service = v.Name
		if why := cannotRollBack(asked, sc); why != "" {
			return s.refuse(why), Effect{}
		}
		s.Confirm = newConfirm(sc, v)
		s.Confirm = s.Confirm.prefer(sc, arg)
		return s, Effect{}
	}
	return s.refuse(fmt.Sprintf("nothing named %q can be rolled back%s", arg, meant(arg, targetNames(s, sc)))), Effect{}
}

func windowNames(State, scene) []string {
	var names []string
	for _, w := range windows {
		names = append(names, health.Span(w))
	}
	return names
}

func runWindow(s State, _ scene, arg string) (State, Effect) {
	i := slices.Index(windowNames(s, scene{}), arg)
	if i < 0 {
		return s.refuse(fmt.Sprintf("no window %q: %s", arg, strings.Join(windowNames(s, scene{}), " "))), Effect{}
	}
	s.View.Window, s.Paused = windows[i], nil
	return s, Effect{}
}

// runAt sets the clock: "live", "13:20" (the last time it was that, UTC) or a
// whole RFC 3339 time.
func runAt(s State, sc scene, arg string) (State, Effect) {
	s.Paused = nil
	if arg == "live" || arg == "now" {
		s.View.At = time.Time{}
		return s, Effect{}
	}
	at, err := time.Parse(time.RFC3339, arg)
	if err != nil {
		of, err := time.Parse("15:04", arg)
		if err != nil {
			return s.refuse(`at what time? "at 13:20", "at 2026-11-23T13:20:00Z" or "at live", all in UTC`), Effect{}
		}
		day := sc.now.UTC().Truncate(24 * time.Hour)
		at = day.Add(time.Duration(of.Hour())*time.Hour + time.Duration(of.Minute())*time.Minute)
		if at.After(sc.now) {
			at = at.Add(-24 * time.Hour)
		}
	}
	if at.After(sc.now) {
		return s.refuse("that is still to come"), Effect{}
	}
	s.View.At = at.UTC()
	return s, Effect{}
}

func runTheme(s State, _ scene, arg string) (State, Effect) {
	if !slices.Contains(themes.Names(), arg) {
		return s.refuse(fmt.Sprintf("no theme %q: %s", arg, strings.Join(themes.Names(), " "))), Effect{}
	}
	return s, Effect{Theme: arg}
}

// contents are how much of prompts and answers is shown.
var contents = []string{"hidden", "redacted", "full"}

func runContent(s State, _ scene, arg string) (State, Effect) {
	if !slices.Contains(contents, arg) {
		return s.refuse("how much? content " + strings.Join(contents, ", content ")), Effect{}
	}
	if arg == "full" {
		return s.reveal(health.AllRequests)
	}
	s.View.Content, s.View.Reveal = arg, ""
	return s, Effect{}
}
