package tui

import (
	"slices"
	"strings"
	"testing"
)

func TestEveryKeyHasAHelpAndAPlace(t *testing.T) {
	names := map[string]bool{}
	for _, k := range defaultTable() {
		if k.Name == "" || k.Group == "" || k.Do == nil || len(k.Binding.Keys()) == 0 || k.Binding.Help().Desc == "" {
			t.Errorf("row %q is not whole: %+v", k.Name, k)
		}
		if names[k.Name] {
			t.Errorf("two rows are named %q", k.Name)
		}
		names[k.Name] = true
		if k.Foot != "" && !slices.Contains(footOrder, k.Foot) {
			t.Errorf("%s: the label %q has no place in the key line", k.Name, k.Foot)
		}
		for _, v := range append(slices.Clone(k.Views), k.FootIn...) {
			if !slices.Contains(Screens(), v) {
				t.Errorf("%s: no view %q", k.Name, v)
			}
		}
		for _, pressed := range k.Binding.Keys() {
			if !known(pressed) {
				t.Errorf("%s: no terminal sends %q", k.Name, pressed)
			}
		}
	}
	if c := conflicts(defaultTable()); len(c) > 0 {
		t.Errorf("conflicts: %v", c)
	}
}

func TestEveryKeyWorksOrSaysWhyInEveryViewAndPane(t *testing.T) {
	snap := ward()
	for _, screen := range Screens() {
		for focus := range panesOf(screen) {
			for _, k := range defaultTable() {
				if !k.applies(screen) {
					continue
				}
				h := newHand(snap)
				h.State = h.goTo(screen)
				h.Focus = focus
				h.View.Request = "req-9000"
				h.State = h.settled(h.scene)
				why := k.why(h.State, h.scene)
				before := h.State
				h.press(k.Binding.Keys()[0])
				if why != "" && h.Message.Text != why {
					t.Errorf("%s/%s: %s says %q, its row %q", screen, h.focused(), k.Name, h.Message.Text, why)
				}
				if why == "" && !moved(before, h) && !idle(k.Name, screen) {
					t.Errorf("%s/%s: %s did nothing and did not say why", screen, before.focused(), k.Name)
				}
			}
		}
	}
}

// moved says whether a key changed anything that is seen or done.
func moved(before State, h *hand) bool {
	a, b := before, h.State
	same := a.View == b.View && a.Focus == b.Focus && len(a.Back) == len(b.Back) && a.Message == b.Message &&
		a.Prompt == b.Prompt && a.Sheet == b.Sheet && a.Confirm.Open == b.Confirm.Open && a.Paused == b.Paused && len(h.effects) == 0
	for _, p := range panesOf(b.View.Screen) {
		same = same && a.Panes[p] == b.Panes[p]
	}
	return !same
}

// idle keys may find nothing to move, or lead to where one is.
func idle(name, screen string) bool {
	return slices.Contains([]string{"down", "up", "page-down", "page-up", "top", "bottom"}, name) || name == screen || strings.TrimPrefix(name, "to-") == screen
}

func TestKeysCanBeBoundAnew(t *testing.T) {
	keys, err := Bind(map[string][]string{"quit": {"Q", "ctrl+q"}, "page-down": {"pgdn", " "}, "sort": nil})
	if err != nil {
		t.Fatal(err)
	}
	h := newHand(ward())
	h.Keys = keys
	if h.press("q"); len(h.effects) != 0 {
		t.Errorf("q still quits")
	}
	if h.press("Q"); len(h.effects) != 1 || !h.effects[0].Quit {
		t.Errorf("Q does not quit: %+v", h.effects)
	}
	if _, ok := keys.find("space", "overview"); !ok {
		t.Errorf("the space bar was not bound")
	}
	if _, ok := keys.find("s", "overview"); ok {
		t.Errorf("sort was not unbound")
	}
	h.h = 60 // quitting is the last of many keys
	if h.press("?"); !strings.Contains(h.screen(), "Q ctrl+q") {
		t.Errorf("the help shows another key:\n%s", h.screen())
	}
	if again := defaultKeys(); again.rows[len(again.rows)-1].Binding.Keys()[0] != "q" {
		t.Errorf("binding for one viewer changed the table of all")
	}
}

func TestFaultyBindingsAreAllNamedAtOnce(t *testing.T) {
	_, err := Bind(map[string][]string{"quit": {"j"}, "qiut": {"x"}, "pause": {"pagedwn"}, "help": {"ctrl+c"}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`"j" is both "down" and "quit"`, `unknown action "qiut"; did you mean "quit"?`, `pause: unknown key "pagedwn"`, "ctrl+c cannot be bound"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
	if _, err := Bind(map[string][]string{"next": {"p"}, "previous": {"n"}, "pause": {"n"}}); err != nil {
		t.Errorf("n and p mean other things in the request view: %v", err)
	}
}

func TestTheDocumentHasEveryKey(t *testing.T) {
	doc := KeysMarkdown()
	for _, k := range defaultTable() {
		if !strings.Contains(doc, "| `"+k.Name+"` |") || !strings.Contains(doc, k.Binding.Help().Desc) {
			t.Errorf("%s is not in the document", k.Name)
		}
	}
}

func TestTheKeyLineNeverLosesTheKeyToAllOthers(t *testing.T) {
	h := newHand(ward())
	for w := minWidth; w < 200; w++ {
		if line := Text(keyLine(h.State, h.scene, w)); !strings.Contains(line, "? keys") {
			t.Errorf("%d cells: %q", w, line)
		}
	}
}
