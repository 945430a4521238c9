package engine

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"sickbay/health"
	"sickbay/sources"
)

const tick = 10 * time.Second

// at is a time n ticks after an aligned beginning.
func at(n int) time.Time {
	return time.Unix(1_800_000_000, 0).UTC().Truncate(tick).Add(time.Duration(n) * tick)
}

func ticks(from, to int) span { return span{at(from), at(to)} }

func TestAFrameAsksOnlyForWhatItDoesNotHave(t *testing.T) {
	for _, c := range []struct {
		name string
		have *span
		want span
		gaps []span
	}{
		{"nothing known: everything", nil, ticks(0, 9), []span{ticks(0, 9)}},
		{"all known: nothing", &span{at(0), at(9)}, ticks(2, 9), nil},
		{"time went on: the tail", &span{at(0), at(9)}, ticks(1, 10), []span{ticks(10, 10)}},
		{"clock stepped back: the head", &span{at(5), at(9)}, ticks(0, 8), []span{ticks(0, 4)}},
		{"window widened on both sides: the newest first", &span{at(5), at(9)}, ticks(0, 12), []span{ticks(10, 12), ticks(0, 4)}},
		{"far away: everything", &span{at(0), at(9)}, ticks(50, 59), []span{ticks(50, 59)}},
		{"it touches: the rest", &span{at(0), at(9)}, ticks(10, 19), []span{ticks(10, 19)}},
	} {
		f := &frame{series: map[string]*line{}}
		if c.have != nil {
			f.from, f.to = c.have.from, c.have.to
		}
		if gaps := f.gaps(c.want, tick, 0); !slices.Equal(gaps, c.gaps) {
			t.Errorf("%s: gaps %v, want %v", c.name, gaps, c.gaps)
		}
	}
}

// TestAnHourThatIsTooMuchIsAskedForInPieces: the newest minutes first, and a past
// that was refused in halves, down to a few minutes.
func TestAnHourThatIsTooMuchIsAskedForInPieces(t *testing.T) {
	f, want := &frame{series: map[string]*line{}}, ticks(0, 360)
	ask := func(exp span) {
		t.Helper()
		if gaps := f.gaps(want, tick, firstLook); !slices.Equal(gaps, []span{exp}) {
			t.Fatalf("gaps %v, want %v", gaps, exp)
		}
	}
	give := func(s span) { f.merge(s, tick, sources.Answer{}, at(360)) }
	ask(ticks(330, 360))
	give(ticks(330, 360))
	ask(ticks(0, 329))
	f.refused(ticks(0, 329))
	ask(ticks(165, 329)) // half of 329 ticks, in whole ones
	f.refused(ticks(165, 329))
	ask(ticks(247, 329))
	give(ticks(247, 329))
	ask(ticks(164, 246))
	for range 5 {
		f.refused(ticks(216, 246))
	}
	ask(ticks(216, 246))
	for gaps := f.gaps(want, tick, firstLook); len(gaps) > 0; gaps = f.gaps(want, tick, firstLook) {
		give(gaps[0])
	}
	if f.from != want.from || f.to != want.to {
		t.Errorf("in the end %v to %v is known", f.from, f.to)
	}
}

// TestAFrameRemembersWhatOneQuestionWouldSay walks through windows at random: what
// the frame says afterwards equals what one question for the window would say.
func TestAFrameRemembersWhatOneQuestionWouldSay(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	truth := func(n int) (float64, bool) { return float64(n * n), n%7 != 3 } // with holes
	for range 200 {
		f := &frame{series: map[string]*line{}}
		for range 30 {
			from := rnd.IntN(60)
			want := ticks(from, from+rnd.IntN(20))
			newest := time.Duration(rnd.IntN(3)) * 4 * tick
			for gaps := f.gaps(want, tick, newest); len(gaps) > 0; gaps = f.gaps(want, tick, newest) {
				gap := gaps[rnd.IntN(len(gaps))] // in whatever order the answers come
				if f.merge(gap, tick, answerOf(gap, truth), at(0)); rnd.IntN(5) == 0 {
					break
				}
			}
			if f.from.After(want.from) || f.to.Before(want.to) {
				continue // half of it is not known yet
			}
			if rnd.IntN(5) == 0 {
				f.trim(want.from)
			}
			for _, l := range f.series {
				got := between(l.points, want.from, want.to)
				if len(got) == 0 {
					continue
				}
				exp := answerOf(want, truth).Series[0].Points
				if len(got) != len(exp) {
					t.Fatalf("%v: %d points, want %d", want, len(got), len(exp))
				}
				for i := range got {
					if got[i] != exp[i] {
						t.Fatalf("point %d is %v, want %v", i, got[i], exp[i])
					}
				}
			}
		}
	}
}

func answerOf(s span, truth func(int) (float64, bool)) sources.Answer {
	var ps []health.Point
	for tm := s.from; !tm.After(s.to); tm = tm.Add(tick) {
		if v, ok := truth(int(tm.Sub(at(0)) / tick)); ok {
			ps = append(ps, health.Point{T: tm.UnixMilli(), V: v})
		}
	}
	return sources.Answer{Series: []sources.Series{{Labels: map[string]string{"service": "a"}, Points: ps}}}
}

func TestPointsHandedOutNeverChange(t *testing.T) {
	l := &line{}
	l.add(answerOf(ticks(0, 9), func(n int) (float64, bool) { return float64(n), true }).Series[0].Points)
	held := between(l.points, at(0), at(9))
	before := append([]health.Point(nil), held...)
	l.add(answerOf(ticks(5, 14), func(n int) (float64, bool) { return -1, true }).Series[0].Points)
	l.add(answerOf(ticks(15, 20), func(n int) (float64, bool) { return -2, true }).Series[0].Points)
	for i := range held {
		if held[i] != before[i] {
			t.Fatalf("point %d of a snapshot became %v", i, held[i])
		}
	}
}

func TestAWindowHasAtMost360Points(t *testing.T) {
	for _, w := range []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour} {
		if n := w / stepOf(w); n > 360 || n < 12 {
			t.Errorf("%v: %d points of %v", w, n, stepOf(w))
		}
	}
}
