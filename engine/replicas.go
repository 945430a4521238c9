package engine

import (
	"fmt"
	"math"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"sickbay/health"
	"sickbay/packs"
)

// replicaLabels tell the instances of a service apart; a label that a series does
// not have does no harm.
const replicaLabels = "pod, instance"

// replicaMemory is how long a replica that is gone is missed: after it, there are
// fewer replicas because somebody wants fewer.
const replicaMemory = 15 * time.Minute

// compared are the signals by which replicas are told apart, and the size of a
// difference that matters at all, as a factor over the others.
var compared = map[string]float64{"latency_p95": 1.5, "ttft_p95": 1.5, "errors": 3, "queue": 3, "kv_cache": 1.3, "traffic": 3}

// replicaCount is the query that counts the instances that report a pack's metrics.
func replicaCount(f packs.Found) string {
	var names []string
	for _, m := range f.Pack.Metrics() {
		names = append(names, regexp.QuoteMeta(m))
	}
	return "count by (" + f.By + ") (count by (" + f.By + ", " + replicaLabels + ") ({__name__=~" +
		strconv.Quote(strings.Join(names, "|")) + "}))"
}

// replicaQuestions asks how many instances report, and for the service that is open
// what each of them says.
func (e *Engine) replicaQuestions(a *asked, w wishes, m moment, now time.Time) []question {
	var qs []question
	step := e.step(e.o.Base)
	end := e.endOf(m, step)
	want := span{end.Add(-replicaMemory), end}
	for _, f := range e.foundAt(a, m) {
		if f.Pack.Guest { // it speaks of a whole cluster
			continue
		}
		k := e.countOf(a, f, m)
		qs = e.askRange(qs, a, k, want, 0, now)
		e.frame(k, now).keep(want.from)
		for service := range w.services {
			for _, expr := range e.replicaQueries(f, service) {
				qs = e.askFact(qs, a, factKey{a.state.Name, expr, m, 0}, e.endOf(m, e.o.Refresh), 3*e.o.Refresh)
			}
		}
	}
	return qs
}

// countOf is the frame of the answers to replicaCount at a moment.
func (e *Engine) countOf(a *asked, f packs.Found, m moment) frameKey {
	t := template{"instances of " + f.Pack.ID, f.By, 0}
	expr, made := e.expanded[t]
	if !made {
		expr = replicaCount(f)
		e.expanded[t] = expr
	}
	return frameKey{a.state.Name, expr, e.step(e.o.Base), e.stretch(health.Lens{Window: replicaMemory, At: m})}
}

// replicaQueries are the compared signals of a pack by instance, of one service.
func (e *Engine) replicaQueries(f packs.Found, service string) map[string]string {
	qs := map[string]string{}
	labels := e.labelsOf(service)
	if !sees(f, labels) {
		return nil
	}
	var values []string
	for l := range labels {
		values = append(values, regexp.QuoteMeta(l))
	}
	sort.Strings(values)
	matcher := f.By + "=~" + strconv.Quote(strings.Join(values, "|"))
	byEach := f
	byEach.By = f.By + ", " + replicaLabels
	for _, s := range f.Pack.Signals {
		if _, ok := compared[s.ID]; ok {
			qs[s.ID] = packs.Narrow(e.expand(s.Query, byEach, 0), matcher)
		}
	}
	return qs
}

// replicas reads what is known of the instances of a service.
func (e *Engine) replicas(d *draft, seeing []followed, m moment, opened bool) health.Replicas {
	var r health.Replicas
	step := e.step(e.o.Base)
	end := e.endOf(m, step)
	for _, h := range seeing {
		if h.Pack.Guest || h.count == nil {
			continue
		}
		points := h.count.of(h.By, d.labels, end.Add(-replicaMemory), end)
		now, most := 0, 0
		for _, p := range points {
			most = max(most, int(p.V))
		}
		if n := len(points); n > 0 && end.Sub(points[n-1].Time()) <= 2*step {
			now = int(points[n-1].V)
		}
		if most > r.Most { // the pack that sees most of them
			r.Now, r.Most = now, most
		}
	}
	if opened {
		r.Each = e.each(d, seeing, m)
	}
	return r
}

// each reads the compared signals of every instance, and says who is unlike the
// others.
func (e *Engine) each(d *draft, seeing []followed, m moment) []health.Replica {
	byName := map[string]*health.Replica{}
	measured := map[string]bool{}
	for _, h := range seeing {
		for id, expr := range e.replicaQueries(h.Found, d.Name) {
			fa := e.facts[factKey{h.from.state.Name, expr, m, 0}]
			if fa == nil || measured[id] || len(fa.series) == 0 {
				continue
			}
			measured[id] = true
			def, _ := packs.Lookup(id)
			for _, s := range fa.series {
				name := orElse(s.Labels["pod"], s.Labels["instance"])
				if name == "" || len(s.Points) == 0 || math.IsNaN(s.Points[0].V) {
					continue
				}
				r := byName[name]
				if r == nil {
					r = &health.Replica{Name: name}
					byName[name] = r
				}
				r.Values = append(r.Values, health.ReplicaValue{Signal: id, Title: def.Title, Unit: def.Unit, Value: lastValue(s)})
			}
		}
	}
	all := make([]health.Replica, 0, len(byName))
	for _, r := range byName {
		sort.Slice(r.Values, func(i, j int) bool { return r.Values[i].Signal < r.Values[j].Signal })
		all = append(all, *r)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	accuse(all)
	return all
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// accuse names replicas that are unlike the median of the others: by the factor
// that matters for the signal, and by more than the others differ among themselves.
func accuse(all []health.Replica) {
	for i := range all {
		var words []string
		for _, v := range all[i].Values {
			var others []float64
			for j := range all {
				for _, o := range all[j].Values {
					if j != i && o.Signal == v.Signal {
						others = append(others, o.Value)
					}
				}
			}
			if typical, odd := unlike(v.Value, others, compared[v.Signal]); odd {
				words = append(words, fmt.Sprintf("%s %s, the others %s", v.Title, health.Format(v.Unit, v.Value), health.Format(v.Unit, typical)))
			}
		}
		all[i].Deviant = strings.Join(words, "; ")
	}
}

// unlike compares a value with the others' median. Of two replicas nobody can say
// which is the odd one, only that one is worse: the larger is named.
func unlike(v float64, others []float64, factor float64) (typical float64, odd bool) {
	if len(others) == 0 {
		return 0, false
	}
	sort.Float64s(others)
	typical = others[len(others)/2]
	spread := others[len(others)-1] - others[0]
	return typical, v > factor*typical && v-typical > 2*spread && v > 0.01
}
