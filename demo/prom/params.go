package prom

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// The bounds of an optional time range. A request may name them in full, so
// that a client can send back what it was shown.
var (
	minTime = time.Unix(math.MinInt64/1000+62135596801, 0).UTC()
	maxTime = time.Unix(math.MaxInt64/1000-62135596801, 999999999).UTC()
)

// parseTime reads Unix seconds with a fraction, or RFC 3339.
func parseTime(s string) (time.Time, error) {
	if seconds, err := strconv.ParseFloat(s, 64); err == nil {
		whole, part := math.Modf(seconds)
		part = math.Round(part*1000) / 1000 // the engine knows milliseconds
		return time.Unix(int64(whole), int64(part*float64(time.Second))).UTC(), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, nil
	}
	for _, t := range []time.Time{minTime, maxTime} { // years time.Parse cannot read
		if s == t.Format(time.RFC3339Nano) {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("cannot parse %q to a valid timestamp", s)
}

// parseDuration reads seconds with a fraction, or 15s, 1d, 1h30m.
func parseDuration(s string) (time.Duration, error) {
	if seconds, err := strconv.ParseFloat(s, 64); err == nil {
		ns := seconds * float64(time.Second)
		if math.IsNaN(ns) || ns >= math.MaxInt64 || ns < math.MinInt64 {
			return 0, fmt.Errorf("cannot parse %q to a valid duration. It overflows int64", s)
		}
		return time.Duration(ns), nil
	}
	if d, err := model.ParseDuration(s); err == nil {
		return time.Duration(d), nil
	}
	return 0, fmt.Errorf("cannot parse %q to a valid duration", s)
}

// parseLimit reads how many results are wanted; 0 means all.
func parseLimit(r *http.Request) (int, error) {
	s := r.FormValue("limit")
	if s == "" {
		return 0, nil
	}
	limit, err := strconv.Atoi(s)
	if err == nil && limit < 0 {
		err = errors.New("limit must be non-negative")
	}
	if err != nil {
		return 0, invalid("limit", err)
	}
	return limit, nil
}

// parseTimeout reads how long the query may take; 0 means as long as the
// engine lets it.
func parseTimeout(r *http.Request) (time.Duration, error) {
	s := r.FormValue("timeout")
	if s == "" {
		return 0, nil
	}
	d, err := parseDuration(s)
	if err == nil && d <= 0 {
		err = fmt.Errorf("timeout must be positive, got %s", d)
	}
	if err != nil {
		return 0, invalid("timeout", err)
	}
	return d, nil
}

// timeOr reads an optional time.
func timeOr(r *http.Request, name string, otherwise time.Time) (time.Time, error) {
	s := r.FormValue(name)
	if s == "" {
		return otherwise, nil
	}
	t, err := parseTime(s)
	if err != nil {
		return time.Time{}, invalid(name, fmt.Errorf("invalid time value for '%s': %w", name, err))
	}
	return t, nil
}

// grid is what a range query asks for.
type grid struct {
	start, end time.Time
	step       time.Duration
}

// parseGrid reads start, end and step, and refuses what would not end well.
func parseGrid(r *http.Request) (g grid, err error) {
	if g.start, err = parseTime(r.FormValue("start")); err != nil {
		return g, invalid("start", err)
	}
	if g.end, err = parseTime(r.FormValue("end")); err != nil {
		return g, invalid("end", err)
	}
	if g.end.Before(g.start) {
		return g, invalid("end", errors.New("end timestamp must not be before start time"))
	}
	if g.step, err = parseDuration(r.FormValue("step")); err != nil {
		return g, invalid("step", err)
	}
	if g.step <= 0 {
		return g, invalid("step", errors.New("zero or negative query resolution step widths are not accepted. Try a positive integer"))
	}
	if g.end.Sub(g.start)/g.step > 11000 {
		return g, badData(errors.New("exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"))
	}
	return g, nil
}

// window is the part of the past, and the number of results, that a question
// about series and labels is about.
type window struct {
	start, end time.Time
	limit      int
}

func parseWindow(r *http.Request) (w window, err error) {
	if w.limit, err = parseLimit(r); err != nil {
		return w, err
	}
	if w.start, err = timeOr(r, "start", minTime); err != nil {
		return w, err
	}
	w.end, err = timeOr(r, "end", maxTime)
	return w, err
}

// parseMatchers reads the series selectors of a request; each must name
// something, or it would select everything.
func (s *Server) parseMatchers(r *http.Request) ([][]*labels.Matcher, error) {
	sets, err := s.parser.ParseMetricSelectors(r.Form["match[]"])
	if err != nil {
		return nil, err
	}
	for _, set := range sets {
		if !narrows(set) {
			return nil, errors.New("match[] must contain at least one non-empty matcher")
		}
	}
	return sets, nil
}

func narrows(set []*labels.Matcher) bool {
	for _, m := range set {
		if m != nil && !m.Matches("") {
			return true
		}
	}
	return false
}
