package chart

import (
	"math"
	"testing"
)

func TestHeatmaps(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct{ name, got, want string }{
		{"shades", Heat([]float64{0, 0.001, 0.1, 0.2, 0.3, 0.4}, 0.4, false, 1), "  ░▒▓█"},
		{"ASCII", Heat([]float64{0, 0.001, 0.2, 0.3, 0.4}, 0.4, true, 1), "  :+#"},
		{"wide", Heat([]float64{0.4, 0}, 0.4, false, 3), "███   "},
		{"no number", Heat([]float64{nan, inf, -1, -inf}, 0.4, false, 1), " █  "},
		{"no axis", Heat([]float64{1, 2}, 0, false, 1), "  "},
		{"nothing", Heat(nil, 1, false, 2), ""},
		{"no room", Heat([]float64{1}, 1, false, 0), ""},
		{"steps", Steps([]float64{0, 0.5, 1, 2}, 1, false, 1), "▁▅██"},
		{"steps in ASCII", Steps([]float64{0, 1}, 1, true, 2), "__##"},
		{"steps without a number", Steps([]float64{nan, -inf, inf}, 1, false, 1), " ▁█"},
		{"steps without an axis", Steps([]float64{3}, 0, false, 1), "▁"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, c.got, c.want)
		}
	}
}

func TestATickSaysWhereTheOtherBarEnds(t *testing.T) {
	for _, c := range []struct{ name, got, want string }{
		{"inside", HBarTick(1, 0.5, false, 4), "━│━━"},
		{"beyond", HBarTick(0.25, 1, false, 4), "━  │"},
		{"ASCII", HBarTick(0.5, 1, true, 4), "## |"},
		{"at zero", HBarTick(0.5, 0, false, 4), "━━  "},
		{"no number", HBarTick(0.5, math.NaN(), false, 4), "━━  "},
		{"too much", HBarTick(0, math.Inf(1), false, 4), "   │"},
		{"no room", HBarTick(1, 1, false, 0), ""},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, c.got, c.want)
		}
	}
	if got := RoundShared([]float64{0.201}, []float64{math.NaN(), 9}); got != 0.25 {
		t.Errorf("the axis ends at %v, want 0.25", got)
	}
	if got := RoundShared([]float64{0.97}); got != 1 {
		t.Errorf("no share is above 1: %v", got)
	}
}
