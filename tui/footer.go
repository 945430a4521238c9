package tui

import (
	"slices"
	"strings"

	"sickbay/themes"
)

// footer is the last line: what is being typed, the answer to the last key, or
// the keys of the view.
func footer(s State, sc scene, w int) string {
	switch {
	case s.Prompt.Kind != "":
		return drawPrompt(s, sc, w)
	case s.Message.Text != "":
		return newRow(sc.look, w).put(themes.Text, " ").put(s.Message.Role, s.Message.Text).String()
	case s.Confirm.Open || s.Sheet.Kind != "":
		return blanks(w) // what lies over the view has the keys, and names them
	}
	return keyLine(s, sc, w)
}

// A footItem is one label of the key line with the keys that share it.
type footItem struct {
	keys, label string
	off         bool // none of them can be used now
}

// keyLine shows the keys of the view as far as whole ones fit. The key to all
// others comes last and never falls off.
func keyLine(s State, sc scene, w int) string {
	items := footItems(s, sc)
	gap := 3
	if w < 100 {
		gap = 2
	}
	room := w
	var last footItem
	if n := len(items); n > 0 {
		last, items = items[n-1], items[:n-1]
		room -= last.width() + gap
	}
	r := newRow(sc.look, w).put(themes.Text, " ")
	for _, it := range items {
		if r.used+it.width() > room {
			continue
		}
		it.put(r)
		r.to(r.used + gap)
	}
	last.put(r)
	return r.String()
}

func (it footItem) width() int { return width(it.keys) + 1 + width(it.label) }

func (it footItem) put(r *row) {
	key, label := themes.Key, themes.Text
	if it.off {
		key, label = themes.Faint, themes.Faint
	}
	r.put(key, it.keys).put(themes.Text, " ").put(label, it.label)
}

func footItems(s State, sc scene) []footItem {
	var items []footItem
	for _, k := range s.Keys.all() {
		shown := k.Foot != "" && k.applies(s.View.Screen) && len(k.Binding.Keys()) > 0 &&
			(k.FootIn == nil || slices.Contains(k.FootIn, s.View.Screen)) && (k.FootIf == nil || k.FootIf(s, sc))
		if !shown {
			continue
		}
		pressed := plain(sc.look, printed(k.Binding.Keys()[0]))
		off := k.why(s, sc) != ""
		if n := len(items); n > 0 && items[n-1].label == k.Foot {
			items[n-1].keys = strings.Join([]string{items[n-1].keys, pressed}, " ")
			items[n-1].off = items[n-1].off && off
			continue
		}
		items = append(items, footItem{keys: pressed, label: k.Foot, off: off})
	}
	slices.SortStableFunc(items, func(a, b footItem) int {
		return slices.Index(footOrder, a.label) - slices.Index(footOrder, b.label)
	})
	return items
}

// footOrder is how the labels of the key line follow each other: what one does
// next comes first.
var footOrder = []string{
	"open", "reference", "baseline", "next", "previous", "beside a good one", "copy", "request", "drift", "changes", "roll back", "undo", "silence", "content", "explain",
	"time", "filter", "note", "back", "command", "keys",
}
