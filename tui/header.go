package tui

import (
	"fmt"
	"strings"
	"time"

	"sickbay/health"
	"sickbay/themes"
)

// A word is a piece of the header in a role.
type word struct {
	role themes.Role
	text string
}

// header is the first line: who, what may be done, how ill, through which lens,
// what time. It has several lengths and takes the longest that fits.
func header(s State, sc scene, w int) string {
	for length := long; length >= tiny; length-- {
		left, right := headerLeft(s, sc, length), headerRight(s, sc, length)
		if n := cells(left) + cells(right) + 2; n <= w || length == tiny {
			r := newRow(sc.look, w)
			for _, p := range left {
				r.put(p.role, p.text)
			}
			r.to(w - cells(right))
			for _, p := range right {
				r.put(p.role, p.text)
			}
			return r.String()
		}
	}
	return blanks(w)
}

// The lengths of the header.
const (
	tiny = iota
	bareBones
	short
	middle
	long
)

func cells(all []word) int {
	n := 0
	for _, p := range all {
		n += width(p.text)
	}
	return n
}

func headerLeft(s State, sc scene, length int) []word {
	gap := strings.Repeat(" ", max(1, length))
	var out []word
	if length > tiny {
		out = append(out, word{themes.Strong, "sickbay"}, word{themes.Text, "  "})
	}
	if s.Name != "" && length > bareBones {
		out = append(out, word{themes.Text, cut(sc.look, plain(sc.look, s.Name), 24) + "  "})
	}
	if s.Write && sc.snap.Write {
		out = append(out, word{themes.Write, "WRITE"})
	} else {
		out = append(out, word{themes.ReadOnly, "READ-ONLY"})
	}
	out = append(out, word{themes.Text, gap})
	if len(sc.snap.Services) == 0 {
		return append(out, word{themes.Faint, noServices(sc.snap)})
	}
	counts := map[health.Status]int{}
	for _, v := range sc.snap.Services {
		counts[v.Status]++
	}
	for _, status := range []health.Status{health.Critical, health.Warn, health.OK, health.Unknown} {
		n := counts[status]
		if n == 0 && length < long {
			continue
		}
		role := themes.Status(status.String())
		if n == 0 {
			role = themes.Faint
		}
		text := fmt.Sprintf("%s %d", sc.look.Glyph(status.Sign(), status.Letter()), n)
		if length > short {
			text += " " + status.String()
		}
		out = append(out, word{role, text}, word{themes.Text, "  "})
	}
	return out
}

func noServices(snap *health.Snapshot) string {
	if snap.Asking {
		return "asking…"
	}
	return "no services seen"
}

func headerRight(s State, sc scene, length int) []word {
	var out []word
	if length > bareBones {
		out = append(out, word{themes.Text, "last " + health.Span(s.View.Window) + " · "})
	}
	switch {
	case s.Paused != nil:
		out = append(out, word{themes.Warn, "paused at " + minute(sc.snap.At)})
	case !s.View.At.IsZero():
		out = append(out, word{themes.Warn, "at " + moment(s.View.At, sc.now)})
	case silent(sc.snap) != "":
		name := cut(sc.look, plain(sc.look, silent(sc.snap)), 12)
		if length > short {
			out = append(out, word{themes.Warn, name + " does not answer"})
		} else {
			out = append(out, word{themes.Warn, name + " silent"})
		}
	case length == long && sc.snap.Load.Refresh > 0:
		out = append(out, word{themes.Text, "live " + span(sc.snap.Load.Refresh)})
	default:
		out = append(out, word{themes.Text, "live"})
	}
	if s.Paused == nil && (sc.snap.Window != s.View.Window || sc.snap.Live != s.View.At.IsZero()) && len(sc.snap.Services) > 0 && length > bareBones {
		out = append(out, word{themes.Faint, " asking…"})
	}
	clock := minute(sc.now)
	if length > tiny {
		clock += " UTC"
	}
	return append(out, word{themes.Text, strings.Repeat(" ", 1+length) + clock})
}

// silent is the first source that should answer and does not.
func silent(snap *health.Snapshot) string {
	for _, src := range snap.Sources {
		if !src.OK && src.Asked > 0 {
			return src.Name
		}
	}
	return ""
}

func minute(t time.Time) string { return t.UTC().Format("15:04") }

// moment is a time on the clock, with its day if that is another.
func moment(t, now time.Time) string {
	if t.UTC().YearDay() != now.UTC().YearDay() || now.Sub(t) > 24*time.Hour {
		return t.UTC().Format("Jan 2 15:04:05")
	}
	if t.Second() != 0 {
		return t.UTC().Format("15:04:05")
	}
	return minute(t)
}

// span says a short distance in seconds, a long one as windows are said.
func span(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%ds", int(d.Round(time.Second).Seconds()))
	}
	return health.Span(d)
}
