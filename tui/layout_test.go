package tui

import (
	"fmt"
	"strings"
	"testing"

	"sickbay/themes"
)

// drawing is an arrangement as a picture, two cells a column and one a row.
func drawing(a Arrangement) string {
	look := (&themes.Look{}).With(false, false)
	sk := newSkeleton(a, look)
	var b strings.Builder
	for _, pieces := range sk.rows {
		for _, p := range pieces {
			if p.box == line {
				b.WriteString(p.text)
				continue
			}
			box := sk.boxes[p.box]
			text := ""
			if p.row == 0 {
				text = box.Pane
				if !box.Bare {
					text = strings.ToUpper(text)
				}
			}
			b.WriteString(fmt.Sprintf("%-*.*s", box.W, box.W, text))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestArrangementsLookLikeTheirDrawings(t *testing.T) {
	for _, c := range []struct {
		name string
		a    Arrangement
		want string
	}{
		{"a low screen shows the pane with the focus", Arrangement{Screen: "overview", W: 40, H: 6, Focus: 1}, `
────────────────────────────────────────
WHY                                     





────────────────────────────────────────
`},
		{"a narrow screen has the table and one other pane", Arrangement{Screen: "overview", W: 40, H: 20, Focus: 0, Lower: 3}, `
────────────────────────────────────────
services                                










────────────────────────────────────────
FAILURES                                







────────────────────────────────────────
`},
		{"an enlarged pane has it all", Arrangement{Screen: "failures", W: 100, H: 30, Focus: 2, Zoom: true}, `
────────────────────────────────────────────────────────────────────────────────────────────────────
EXAMPLES                                                                                            
` + strings.Repeat(blanks(100)+"\n", 29) + `────────────────────────────────────────────────────────────────────────────────────────────────────
`},
		{"a wide overview", Arrangement{Screen: "overview", W: 100, H: 26}, `
────────────────────────────────────────────────────────────────────────────────────────────────────
services                                                                                            
` + strings.Repeat(blanks(100)+"\n", 10) + `─────────────────────────────────────────────────────────┬──────────────────────────────────────────
WHY                                                      │SUSPECTS                                  
                                                         │                                          
                                                         │                                          
                                                         │                                          
                                                         │                                          
                                                         │                                          
─────────────────────────────────────────────────────────┼──────────────────────────────────────────
FAILURES                                                 │ALERTS                                    
                                                         │                                          
                                                         │                                          
                                                         │                                          
                                                         │                                          
                                                         │                                          
                                                         │                                          
─────────────────────────────────────────────────────────┴──────────────────────────────────────────
`},
		{"wide changes, of which there are few", Arrangement{Screen: "changes", W: 100, H: 26, Rows: [most]int{5}}, `
────────────────────────────────────────────────────────────────────────────────────────────────────
CHANGES
` + strings.Repeat(blanks(100)+"\n", 4) + `─────────────────────────────────────────────────────────┬──────────────────────────────────────────
RUNNING                                                  │ROLLBACKS                                 
` + strings.Repeat(blanks(57)+"│"+blanks(42)+"\n", 19) + `─────────────────────────────────────────────────────────┴──────────────────────────────────────────
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := trimmed(drawing(c.a)); got != trimmed(c.want) {
				t.Errorf("got\n%s\nwant%s", got, c.want)
			}
		})
	}
}

func TestEveryArrangementCoversTheBodyOnceAndNeverLosesTheFocus(t *testing.T) {
	for _, screen := range Screens() {
		for w := minWidth; w <= 250; w += 7 {
			for h := minHeight - chrome; h <= 80; h += 3 {
				for focus := range panesOf(screen) {
					a := Arrangement{Screen: screen, W: w, H: h, Focus: focus}
					boxes := Arrange(a)
					check(t, a, boxes)
				}
			}
		}
	}
}

// check looks at the boxes in pairs: inside, not too small, a line apart.
func check(t *testing.T, a Arrangement, boxes []Box) {
	t.Helper()
	focused := false
	for i, b := range boxes {
		focused = focused || b.Pane == panesOf(a.Screen)[a.Focus]
		if b.W < 10 || b.H < 2 || b.X < 0 || b.Y < 0 || b.X+b.W > a.W || b.Y+b.H > a.H {
			t.Fatalf("%+v: %+v is too small or outside", a, b)
		}
		for _, c := range boxes[i+1:] {
			beside := b.X+b.W < c.X || c.X+c.W < b.X
			above := b.Y+b.H < c.Y || c.Y+c.H < b.Y
			if !beside && !above {
				t.Fatalf("%+v: %+v and %+v lie on each other", a, b, c)
			}
		}
	}
	if !focused {
		t.Fatalf("%+v: the pane with the focus is not there", a)
	}
}

// trimmed takes away blanks at line ends, which nobody sees in a test.
func trimmed(s string) string {
	lines := strings.Split(strings.TrimPrefix(s, "\n"), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n")
}
