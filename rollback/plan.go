package rollback

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"sickbay/health"
)

// planAge is how long a plan may wait to be confirmed: what was seen is
// supposed to be what is.
const planAge = 60 * time.Second

// young and old are the ages of a version that deserve a second thought.
const (
	young = 2 * time.Minute
	old   = 30 * 24 * time.Hour
)

// newID makes an operation id: sortable by time, safe as an argument, a header
// and a file name.
func newID(now time.Time) string {
	var b [6]byte
	rand.Read(b[:]) // never fails since Go 1.24
	return "op-" + now.UTC().Format("20060102T150405") + "-" + hex.EncodeToString(b[:])
}

// stateOf reads a target's own list of versions, newest first, the current one
// among them or not. Versions whose id cannot be written safely are left out.
func stateOf(current string, versions []health.Version) State {
	s := State{Version: current, Ready: true}
	if versions == nil {
		return s
	}
	s.History = []health.Version{}
	seen := false
	for _, v := range versions {
		switch {
		case v.ID == current:
			seen, s.Since = true, v.At
			continue
		case !plainID(v.ID):
			continue
		case seen && s.Back == "":
			s.Back = v.ID
		}
		v.Note = tidy(v.Note, 200)
		s.History = append(s.History, v)
	}
	if !seen && len(s.History) > 0 {
		s.Back = s.History[0].ID // a list without the current version lists those before it
	}
	return s
}

// plainID says whether a version is made of visible ASCII only: what is shown
// is then what is sent, and no two that differ look alike.
func plainID(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// draft makes a plan from what a target is now. It asks nobody.
func draft(info health.Target, caps Caps, s State, to string, now time.Time) (health.Plan, error) {
	if s.Blocked != "" {
		return health.Plan{}, fmt.Errorf("%s cannot be rolled back now: %s", info.Name, s.Blocked)
	}
	if !plainID(s.Version) {
		return health.Plan{}, fmt.Errorf("%s does not say what it runs: a rollback needs to know where it starts", info.Name)
	}
	to, err := choose(info, s, to)
	if err != nil {
		return health.Plan{}, err
	}
	p := health.Plan{
		ID: newID(now), Target: info.Name, Service: info.Service, Kind: info.Kind, Driver: info.Driver,
		From: s.Version, To: to, Token: s.Token, At: now, Expires: now.Add(planAge),
	}
	past, listed := find(s.History, to)
	p.Diff = []string{
		diffLine("-", info.Kind, health.Version{ID: s.Version, At: s.Since}, now),
		diffLine("+", info.Kind, past, now),
	}
	p.Warnings = append(cautions(caps, s, past, listed, now), s.Notes...)
	return p, nil
}

// choose settles where to go: what was asked for, if the target knows it, else
// the version before the current one.
func choose(info health.Target, s State, to string) (string, error) {
	if to == "" {
		to = s.Back
	}
	switch {
	case to == "" && len(s.History) > 0:
		return "", fmt.Errorf("%s knows no version before %s; name one of %s", info.Name, s.Version, ids(s.History))
	case to == "" && s.History != nil:
		return "", fmt.Errorf("%s knows no version but %s: there is nothing to go back to", info.Name, s.Version)
	case to == "":
		return "", fmt.Errorf("%s keeps no list of versions: name the one to go back to", info.Name)
	case to == s.Version:
		return "", fmt.Errorf("%s already runs %s", info.Name, to)
	case !plainID(to):
		return "", fmt.Errorf("%q is no version: visible ASCII, no blanks, at most 128 bytes", tidy(to, 60))
	}
	if _, ok := find(s.History, to); !ok && s.History != nil {
		return "", fmt.Errorf("%s has no version %s; it knows %s", info.Name, to, ids(s.History))
	}
	return to, nil
}

func find(history []health.Version, id string) (health.Version, bool) {
	for _, v := range history {
		if v.ID == id {
			return v, true
		}
	}
	return health.Version{ID: id}, false
}

func ids(vs []health.Version) string {
	var names []string
	for i, v := range vs {
		if i == 8 {
			names = append(names, "…")
			break
		}
		names = append(names, v.ID)
	}
	return strings.Join(names, ", ")
}

// diffLine writes "- prompt v32  deployed 14 m ago".
func diffLine(sign, kind string, v health.Version, now time.Time) string {
	line := sign + " " + kind + " " + v.ID
	if !v.At.IsZero() {
		line += "  deployed " + health.Ago(now.Sub(v.At)) + " ago"
	}
	if v.Note != "" {
		line += "  " + v.Note
	}
	return line
}

// cautions are the warnings that follow from the target alone.
func cautions(caps Caps, s State, to health.Version, listed bool, now time.Time) []string {
	var w []string
	if !caps.CompareAndSwap {
		w = append(w, "no compare-and-swap: a change made by somebody else in the last moment would be overwritten")
	}
	if !listed {
		w = append(w, "the target keeps no list of versions: nobody checked that "+to.ID+" exists")
	}
	if !s.Ready {
		w = append(w, "the target is not ready: a rollout may be under way")
	}
	if age := now.Sub(s.Since); !s.Since.IsZero() && age < young {
		w = append(w, s.Version+" is only "+health.Ago(age)+" old: what is ill may be older than it")
	}
	if age := now.Sub(to.At); !to.At.IsZero() && age > old {
		w = append(w, to.ID+" is "+health.Ago(age)+" old")
	}
	return w
}

// tidy makes text from outside fit for a line: harmless, on one line, n runes
// at most.
func tidy(s string, n int) string {
	if len(s) > 8*n {
		s = s[:8*n]
	}
	s = health.Clean(strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " "))
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// because says what an error means in words that may be shown and kept.
func because(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	return tidy(err.Error(), 200)
}
