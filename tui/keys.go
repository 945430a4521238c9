package tui

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"charm.land/bubbles/v2/key"
)

// A Key is one row of the key table: what dispatch, footer, help and docs say
// about it comes from here and from nowhere else.
type Key struct {
	Name    string // stable: what the config rebinds and the command line runs
	Binding key.Binding
	Group   string   // heading in the help
	Views   []string // where it applies; nil: everywhere

	Foot   string                  // label in the key line, shared by keys that belong together
	FootIn []string                // views whose key line shows it; nil: all, if there is a label
	FootIf func(State, scene) bool // whether the key line shows it now; nil: also while it cannot be used, dimmed

	// Why says why it cannot be used now; "": it can. Nil: it always can.
	Why func(State, scene) string
	Do  func(State, scene) (State, Effect)
}

// applies says whether the key exists in a view.
func (k Key) applies(screen string) bool {
	return k.Views == nil || slices.Contains(k.Views, screen)
}

// why is why the key cannot be used now.
func (k Key) why(s State, sc scene) string {
	if k.Why == nil {
		return ""
	}
	return k.Why(s, sc)
}

// Keys is a key table, as bound by a user. The zero value is the table as it
// comes.
type Keys struct{ rows []Key }

// all are the rows of the table.
func (k Keys) all() []Key {
	if k.rows == nil {
		return defaultTable()
	}
	return k.rows
}

// find is the row for a key in a view.
func (k Keys) find(pressed, screen string) (Key, bool) {
	for _, row := range k.all() {
		if row.applies(screen) && slices.Contains(row.Binding.Keys(), pressed) {
			return row, true
		}
	}
	return Key{}, false
}

// named is the row of a name in a view.
func (k Keys) named(name, screen string) (Key, bool) {
	for _, row := range k.all() {
		if row.Name == name && row.applies(screen) {
			return row, true
		}
	}
	return Key{}, false
}

func defaultKeys() Keys { return Keys{defaultTable()} }

// always are keys that nobody can take away: the way out.
var always = []string{"ctrl+c", "ctrl+z"}

// Bind makes the key table with other keys for some actions. Keys are written as
// in the table ("x", "X", "ctrl+x", "pgdown"); no keys at all unbinds an action.
// All faults are returned at once: unknown actions and keys, and two actions of
// one view on one key.
func Bind(rebind map[string][]string) (Keys, error) {
	k := defaultKeys()
	var faults []string
	for _, name := range sorted(rebind) {
		i := slices.IndexFunc(k.rows, func(r Key) bool { return r.Name == name })
		if i < 0 {
			faults = append(faults, fmt.Sprintf("unknown action %q%s", name, meant(name, actionNames(k.rows))))
			continue
		}
		bound := make([]string, 0, len(rebind[name]))
		for _, pressed := range rebind[name] {
			pressed = spelled(pressed)
			if !known(pressed) {
				faults = append(faults, fmt.Sprintf("%s: unknown key %q; keys are written like x, X, ctrl+x, pgdown", name, pressed))
			}
			if slices.Contains(always, pressed) {
				faults = append(faults, fmt.Sprintf("%s: %s cannot be bound, it is always the way out", name, pressed))
			}
			bound = append(bound, pressed)
		}
		k.rows[i].Binding = bind(k.rows[i].Binding.Help().Desc, bound...)
	}
	faults = append(faults, conflicts(k.rows)...)
	if len(faults) > 0 {
		return Keys{}, fmt.Errorf("keys: %s", strings.Join(faults, "; "))
	}
	return k, nil
}

// conflicts names every key that two actions of one view share.
func conflicts(rows []Key) []string {
	var faults []string
	for i, a := range rows {
		for _, b := range rows[i+1:] {
			for _, pressed := range a.Binding.Keys() {
				if slices.Contains(b.Binding.Keys(), pressed) && share(a, b) {
					faults = append(faults, fmt.Sprintf("%q is both %q and %q", pressed, a.Name, b.Name))
				}
			}
		}
	}
	return faults
}

func share(a, b Key) bool {
	return slices.ContainsFunc(Screens(), func(v string) bool { return a.applies(v) && b.applies(v) })
}

// bind makes a binding whose help shows its keys as they are printed on keyboards.
func bind(help string, keys ...string) key.Binding {
	shown := make([]string, len(keys))
	for i, k := range keys {
		shown[i] = printed(k)
	}
	return key.NewBinding(key.WithKeys(keys...), key.WithHelp(strings.Join(shown, " "), help))
}

var prints = map[string]string{"up": "↑", "down": "↓", "left": "←", "right": "→", "pgdown": "pgdn", "space": "space"}

func printed(k string) string {
	if p, ok := prints[k]; ok {
		return p
	}
	return k
}

// spelled accepts the usual other names of keys.
func spelled(k string) string {
	switch k {
	case "pgdn", "pagedown":
		return "pgdown"
	case "pageup":
		return "pgup"
	case "return":
		return "enter"
	case "escape":
		return "esc"
	case " ":
		return "space"
	}
	return k
}

var namedKeys = []string{
	"enter", "tab", "backspace", "esc", "space", "up", "down", "left", "right", "insert", "delete",
	"pgup", "pgdown", "home", "end", "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10", "f11", "f12",
}

// known says whether a terminal could ever send a key of this name.
func known(k string) bool {
	for _, mod := range []string{"ctrl+", "alt+", "shift+"} {
		k = strings.TrimPrefix(k, mod)
	}
	r, n := utf8.DecodeRuneInString(k)
	return slices.Contains(namedKeys, k) || n == len(k) && n > 0 && r > ' ' && r != utf8.RuneError
}

func actionNames(rows []Key) []string {
	var names []string
	for _, r := range rows {
		names = append(names, r.Name)
	}
	return names
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// KeysMarkdown is the key table as a document.
func KeysMarkdown() string {
	var b strings.Builder
	b.WriteString("# Keys\n\nMade from the key table by `sickbay`; the names are what `[keys]` in the config rebinds.\n")
	group := ""
	for _, k := range defaultTable() {
		if k.Group != group {
			group = k.Group
			fmt.Fprintf(&b, "\n## %s\n\n| key | does | where | name |\n|---|---|---|---|\n", group)
		}
		where := "everywhere"
		if k.Views != nil {
			where = strings.Join(k.Views, ", ")
		}
		var keys []string
		for _, pressed := range k.Binding.Keys() {
			keys = append(keys, "`"+strings.ReplaceAll(printed(pressed), "|", `\|`)+"`")
		}
		fmt.Fprintf(&b, "| %s | %s | %s | `%s` |\n", strings.Join(keys, " "), k.Binding.Help().Desc, where, k.Name)
	}
	b.WriteString("\n`ctrl+c` always ends sickbay and `ctrl+z` always suspends it. In the roll back dialog `ctrl+y` (or `y` on the button)\nrolls back; enter never does.\n")
	return b.String()
}
