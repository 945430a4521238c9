package prom

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/storage"
)

// The endpoints that say what there is: labels, series, metadata.

func marshal(v any) (answer, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return answer{}, &apiError{kindInternal, err}
	}
	return answer{data: data}, nil
}

// listed answers with the first limit of the entries, 0 being all, and says so
// when there were more.
func listed[T any](list []T, limit int) (answer, error) {
	cut := limit > 0 && len(list) > limit
	if cut {
		list = list[:limit]
	}
	if list == nil {
		list = []T{} // [] and not null
	}
	a, err := marshal(list)
	if cut {
		a.notes.Add(errTruncated)
	}
	return a, err
}

func (s *Server) series(r *http.Request) (answer, error) {
	if err := r.ParseForm(); err != nil {
		return answer{}, badData(fmt.Errorf("error parsing form values: %w", err))
	}
	if len(r.Form["match[]"]) == 0 {
		return answer{}, badData(errors.New("no match[] parameter provided"))
	}
	w, err := parseWindow(r)
	if err != nil {
		return answer{}, err
	}
	sets, err := s.parseMatchers(r)
	if err != nil {
		return answer{}, invalid("match[]", err)
	}
	var found []labels.Labels
	for _, matchers := range sets {
		for _, v := range s.store.views(timestamp.FromTime(w.start), timestamp.FromTime(w.end), matchers) {
			found = append(found, v.labels)
		}
	}
	slices.SortFunc(found, labels.Compare)
	found = slices.CompactFunc(found, labels.Equal) // two selectors may find the same one
	return listed(found, w.limit)
}

func (s *Server) labelNames(r *http.Request) (answer, error) {
	return s.union(r, func(q storage.Querier, matchers []*labels.Matcher) ([]string, error) {
		names, _, err := q.LabelNames(r.Context(), nil, matchers...)
		return names, err
	})
}

func (s *Server) labelValues(r *http.Request) (answer, error) {
	name := r.PathValue("name")
	if strings.HasPrefix(name, "U__") {
		name = model.UnescapeName(name, model.ValueEncodingEscaping)
	}
	if !model.UTF8Validation.IsValidLabelName(name) {
		return answer{}, badData(fmt.Errorf("invalid label name: %q", name))
	}
	return s.union(r, func(q storage.Querier, matchers []*labels.Matcher) ([]string, error) {
		values, _, err := q.LabelValues(r.Context(), name, nil, matchers...)
		return values, err
	})
}

// union answers with what any of the selectors finds; without one, with
// everything in the window.
func (s *Server) union(r *http.Request, find func(storage.Querier, []*labels.Matcher) ([]string, error)) (answer, error) {
	w, err := parseWindow(r)
	if err != nil {
		return answer{}, err
	}
	sets, err := s.parseMatchers(r)
	if err != nil {
		return answer{}, badData(err)
	}
	if len(sets) == 0 {
		sets = [][]*labels.Matcher{nil}
	}
	q, err := s.store.Querier(timestamp.FromTime(w.start), timestamp.FromTime(w.end))
	if err != nil {
		return answer{}, err
	}
	defer q.Close()
	var all []string
	for _, matchers := range sets {
		found, err := find(q, matchers)
		if err != nil {
			return answer{}, err
		}
		all = append(all, found...)
	}
	slices.Sort(all)
	return listed(slices.Compact(all), w.limit)
}

type metaJSON struct {
	Type string `json:"type"`
	Help string `json:"help"`
	Unit string `json:"unit"`
}

func (s *Server) metadata(r *http.Request) (answer, error) {
	limit, err := number(r, "limit")
	if err != nil {
		return answer{}, err
	}
	if _, err := number(r, "limit_per_metric"); err != nil { // there is only one of each here
		return answer{}, err
	}
	s.store.mu.RLock()
	known := maps.Clone(s.store.meta)
	s.store.mu.RUnlock()
	out := map[string][]metaJSON{}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if limit >= 0 && len(out) >= limit {
			break
		}
		if wanted := r.FormValue("metric"); wanted == "" || wanted == name {
			out[name] = []metaJSON{metaJSON(known[name])}
		}
	}
	return marshal(out)
}

// number reads an optional whole number, -1 when it is not there.
func number(r *http.Request, name string) (int, error) {
	s := r.FormValue(name)
	if s == "" {
		return -1, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, badData(errors.New(name + " must be a number"))
	}
	return n, nil
}
