package tui

import (
	"testing"
)

// FuzzKeys presses whatever comes: nothing panics, every picture fills its screen,
// and nothing is ordered by keys alone that the dialog does not allow.
func FuzzKeys(f *testing.F) {
	f.Add("j4z/fraud\r:service x\r", uint8(80), uint8(24))
	f.Add("R\x19tab\t\x1b[", uint8(120), uint8(40))
	f.Add("i=npyce?jGq5\x1b\x1b", uint8(41), uint8(11))
	f.Add(":at 25:99\r:window 7d\r{{{}}}]0", uint8(200), uint8(60))
	names := map[rune]string{'\r': "enter", '\t': "tab", 0x1b: "esc", ' ': "space", 0x19: "ctrl+y", 0x7f: "backspace", 0x01: "shift+tab", 0x02: "pgdown"}
	snap := hostile()
	f.Fuzz(func(t *testing.T, keys string, w, h uint8) {
		if len(keys) > 200 {
			return
		}
		hand := newHand(snap)
		hand.w, hand.h = int(w), int(h)
		for _, r := range keys {
			p := Press{Key: string(r), Text: string(r)}
			if name, ok := names[r]; ok {
				p = Press{Key: name}
				if r == ' ' {
					p.Text = " "
				}
			}
			hand.wait(quiet).one(p)
		}
		square(t, keys, Screen(hand.snap, hand.State, hand.w, hand.h, hand.look, hand.now), hand.w, hand.h, false)
	})
}
