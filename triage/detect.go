package triage

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"sickbay/health"
)

// ruleDetector is a finding that comes from looking at requests one by one.
const ruleDetector = "detector"

// What the detectors look at, and from where on they speak. A share is of the
// requests of the newest DetectWindow that could have shown it. Where the service
// has a limit of its own for the same thing, by the signal named, that one holds: a
// verdict must not depend on whether a log or a metric told.
const (
	// DetectRequests is how many of the newest requests of a service are looked at.
	DetectRequests = 600
	// DetectWindow is how far back; what is older shows what is usual.
	DetectWindow = 10 * time.Minute

	minSeen = 10 // requests in the window, or nothing is said
	minHits = 3  // of them that show it
	minPast = 50 // requests before the window, to say what is usual

	loopWarn, loopCritical         = .02, .10 // share of tasks with one sign; signal "loops"
	emptyWarn, emptyCritical       = .05, .15 // share of retrievals; signal "retrieval_empty"
	lowScore                       = .45      // of the best chunk; critical limit of "retrieval_score"
	lowWarn, lowCritical           = .10, .30 // share of retrievals whose best chunk is below lowScore
	staleAge                       = 72 * 3600.
	staleWarn                      = .25      // share of retrievals with no younger chunk than staleAge; critical limit of "index_age"
	mismatchWarn, mismatchCritical = .05, .25 // share of retrievals; signal "embedding_mismatch"
	costFactor                     = 5.       // times the median of before
	costWarn                       = .03      // share of requests
	costChance                     = 1e-4     // that so many are by chance, where some always are that dear
	showChance                     = 1e-3     // the same, of all that has a limit: some tasks always go round
)

// Detect looks at requests of one service, oldest first, and says what stands out
// among the newest: agents that go round in circles or use tools they never used,
// requests that cost many times what is usual, retrievals that find nothing, little,
// old things, or compare embeddings of different models. Each finding names a share,
// its limit and one request to look at.
func Detect(s health.Service, requests []*health.Request, now time.Time) []health.Finding {
	d := detection{service: s, all: requests}
	for d.past < len(requests) && requests[d.past].At.Before(now.Add(-DetectWindow)) {
		d.past++
	}
	if len(requests)-d.past < minSeen {
		return nil
	}
	d.agents()
	d.newTools()
	d.costs()
	d.retrievals()
	return d.found
}

// A detection is one look at one service.
type detection struct {
	service health.Service
	all     []*health.Request // oldest first
	past    int               // how many of them are older than the window
	found   []health.Finding
}

// limits are those the service has for a signal, where it has them.
func (d *detection) limits(signal string, warn, critical float64) (float64, float64) {
	l := d.service.Signal(signal).Limit
	if l.Warn != nil {
		warn = *l.Warn
	}
	if l.Critical != nil {
		critical = *l.Critical
	}
	return warn, critical
}

// A showing is who shows something among those in the window who could.
type showing struct {
	of, hits    int
	example     *health.Request // the newest that shows it
	could, does func(r *health.Request) bool
}

func (d *detection) count(could, does func(r *health.Request) bool) showing {
	t := showing{could: could, does: does}
	for _, r := range d.all[d.past:] {
		if could(r) {
			t.of++
			if does(r) {
				t.hits++
				t.example = r
			}
		}
	}
	return t
}

func (t showing) share() float64 { return float64(t.hits) / float64(max(t.of, 1)) }

// words is "36 % of 214 tasks".
func (t showing) words(what string) string {
	return fmt.Sprintf("%s of %d %s", health.Format(health.Ratio, t.share()), t.of, what)
}

// report adds a finding if enough requests show it. critical 0: it is never more
// than a warning.
func (d *detection) report(t showing, warn, critical float64, text func() string) {
	if t.of < minSeen || t.hits < minHits || t.share() < warn || d.byChance(t, warn) {
		return
	}
	status := health.Warn
	if critical > 0 && t.share() >= critical {
		status = health.Critical
	}
	f := health.Finding{
		Service: d.service.Name, Rule: ruleDetector, Text: text() + " (" + short(t.example.ID) + ")",
		Value: health.Num(t.share()), Bad: health.Up, Status: status, Since: d.since(t),
	}
	if warn > 0 {
		f.Limit = health.Num(warn)
	}
	d.found = append(d.found, f)
}

// since is when it began: back from the newest request, block by block, as long as
// a block shows it a quarter as often as the window does. A block is so long that
// four of it are expected to.
func (d *detection) since(t showing) time.Time {
	size := min(max(int(4/t.share()), 10), 200)
	var since, first time.Time
	of, hits := 0, 0
	for _, r := range slices.Backward(d.all) {
		if !t.could(r) {
			continue
		}
		of++
		if t.does(r) {
			hits++
			first = r.At
		}
		if of < size {
			continue
		}
		if hits == 0 || float64(hits) < t.share()/4*float64(of) {
			return since
		}
		since, of, hits = first, 0, 0
	}
	if hits > 0 { // the last block is a short one
		since = first
	}
	return since
}

func works(r *health.Request) bool { return len(r.Tools) > 0 }

// signOf finds a sign of a request.
func signOf(r *health.Request, kind string) (string, bool) {
	for _, s := range r.Signs {
		if s.Kind == kind {
			return s.Text, true
		}
	}
	return "", false
}

// agents counts the signs of tasks.
func (d *detection) agents() {
	warn, critical := d.limits("loops", loopWarn, loopCritical)
	for _, s := range []struct{ kind, words string }{
		{signLoop, "identical calls again and again in "}, {signCycle, "calls in a circle in "},
		{signStuck, "no progress in "}, {signFailed, "failing calls repeated unchanged in "},
	} {
		t := d.count(works, func(r *health.Request) bool { _, ok := signOf(r, s.kind); return ok })
		d.report(t, warn, critical, func() string {
			text, _ := signOf(t.example, s.kind)
			return s.words + t.words("tasks") + ": " + text
		})
	}
}

// version names what an agent runs, in words.
func version(l health.Lineage) string {
	switch {
	case l.Build != "":
		return "build " + l.Build
	case l.Prompt != "":
		return "prompt " + l.Prompt
	case l.Model != "":
		return "model " + l.Model
	}
	return ""
}

// A habit is which tools some tasks used.
type habit struct {
	tasks int
	tools map[string]bool
}

func (h *habit) add(r *health.Request) {
	if h.tools == nil {
		h.tools = map[string]bool{}
	}
	h.tasks++
	for i := range r.Tools {
		h.tools[r.Tools[i].Name] = true
	}
}

// newTools reports tools that are called now and were not called before: by the
// same version if it is old enough, else by any.
func (d *detection) newTools() {
	var any habit
	byVersion := map[string]*habit{}
	for _, r := range d.all[:d.past] {
		if !works(r) {
			continue
		}
		any.add(r)
		v := version(r.Lineage)
		if byVersion[v] == nil {
			byVersion[v] = &habit{}
		}
		byVersion[v].add(r)
	}
	if any.tasks < minPast {
		return
	}
	before := func(r *health.Request) (h *habit, by string) {
		v := version(r.Lineage)
		if h := byVersion[v]; h != nil && h.tasks >= minPast && v != "" {
			return h, " by " + v
		}
		return &any, ""
	}
	for _, name := range d.unknownTools(before) {
		calls := func(r *health.Request) bool {
			return slices.ContainsFunc(r.Tools, func(c health.ToolCall) bool { return c.Name == name })
		}
		t := d.count(works, func(r *health.Request) bool { h, _ := before(r); return !h.tools[name] && calls(r) })
		d.report(t, 0, 0, func() string {
			h, by := before(t.example)
			return fmt.Sprintf("tool %s is called in %s; in %d tasks before it was never used%s", short(name), t.words("tasks"), h.tasks, by)
		})
	}
}

const maxNewTools = 8 // more at once is another agent, not a new tool

func (d *detection) unknownTools(before func(*health.Request) (*habit, string)) []string {
	var names []string
	for _, r := range d.all[d.past:] {
		h, _ := before(r)
		for i := range r.Tools {
			if name := r.Tools[i].Name; name != "" && !h.tools[name] && !slices.Contains(names, name) && len(names) < maxNewTools {
				names = append(names, name)
			}
		}
	}
	return names
}

// price is what a request cost: in dollars, else in tokens.
func price(r *health.Request) (cost float64, dollars bool) {
	if r.CostUSD != nil && *r.CostUSD > 0 {
		return *r.CostUSD, true
	}
	for _, v := range []*float64{r.TokensIn, r.TokensOut} {
		if v != nil {
			cost += *v
		}
	}
	return cost, false
}

// costs compares with what was usual before.
func (d *detection) costs() {
	var usual []float64
	_, dollars := price(d.all[len(d.all)-1])
	for _, r := range d.all[:d.past] {
		if c, in := price(r); c > 0 && in == dollars {
			usual = append(usual, c)
		}
	}
	if len(usual) < minPast {
		return
	}
	middle := median(usual)
	most := 0.
	for _, r := range d.all[d.past:] {
		if c, in := price(r); in == dollars {
			most = max(most, c)
		}
	}
	t := d.count(
		func(r *health.Request) bool { c, in := price(r); return c > 0 && in == dollars },
		func(r *health.Request) bool { c, _ := price(r); return c >= costFactor*middle })
	if orMore(t.hits, float64(t.of)*dearShare(usual, costFactor*middle)) > costChance {
		return
	}
	d.report(t, costWarn, 0, func() string {
		say := func(v float64) string { return health.Format(health.USD, v) }
		if !dollars {
			say = func(v float64) string { return health.Format(health.Count, v) + " tokens" }
		}
		return fmt.Sprintf("cost runs away: %s take over %g times the usual %s, up to %s", t.words("requests"), costFactor, say(middle), say(most))
	})
}

// dearShare is how many of some requests, by what they cost, oldest first, usually
// cost at least so much: as usualShare says, or a lognormal of their middle and
// spread.
func dearShare(costs []float64, least float64) float64 {
	share := usualShare(len(costs), func(i int) bool { return costs[i] >= least })
	logs := make([]float64, len(costs))
	for i, c := range costs {
		logs[i] = math.Log(c)
	}
	if spread := 1.4826 * medianDistance(logs); spread > 0 {
		share = max(share, math.Erfc((math.Log(least)-median(logs))/spread/math.Sqrt2)/2)
	}
	return share
}

// byChance says whether so many may show it although it is as rare as it usually is.
// What usually is beyond the limit is no chance.
func (d *detection) byChance(t showing, warn float64) bool {
	if warn <= 0 {
		return false
	}
	usual, known := d.before(t)
	return known && usual < warn && orMore(t.hits, float64(t.of)*usual) > showChance
}

// before is how often what is shown now usually was, if enough is known.
func (d *detection) before(t showing) (share float64, known bool) {
	var could []*health.Request
	for _, r := range d.all[:d.past] {
		if t.could(r) {
			could = append(could, r)
		}
	}
	if len(could) < minPast {
		return 0, false
	}
	return usualShare(len(could), func(i int) bool { return t.does(could[i]) }), true
}

// usualShare is how many of n show something: as many as did in the best third of
// the time, so that an incident that goes on is not soon what is usual, and never
// fewer than one.
func usualShare(n int, shows func(i int) bool) float64 {
	share := 1.
	for part := range 3 {
		from, to := part*n/3, (part+1)*n/3
		hits := 0
		for i := from; i < to; i++ {
			if shows(i) {
				hits++
			}
		}
		share = min(share, float64(hits)/float64(to-from))
	}
	return max(share, 1/float64(n))
}

// orMore is the chance of k events or more where so many are expected (Poisson).
func orMore(k int, expected float64) float64 {
	logs, _ := math.Lgamma(float64(k) + 1)
	term := math.Exp(float64(k)*math.Log(expected) - expected - logs)
	sum := 0.
	for i := k + 1; term > sum*1e-12; i++ {
		sum += term
		term *= expected / float64(i)
	}
	return min(sum, 1)
}

// retrievals looks at what was found for questions.
func (d *detection) retrievals() {
	all := func(r *health.Request) bool { return len(r.Chunks) > 0 || foundNothing(r) }
	warn, critical := d.limits("retrieval_empty", emptyWarn, emptyCritical)
	t := d.count(all, foundNothing)
	d.report(t, warn, critical, func() string { return "retrieval finds nothing in " + t.words("requests") })

	_, low := d.limits("retrieval_score", 0, lowScore)
	scored := func(r *health.Request) bool { _, ok := bestScore(r); return ok }
	weak := d.count(scored, func(r *health.Request) bool { s, _ := bestScore(r); return s < low })
	d.report(weak, lowWarn, lowCritical, func() string {
		s, _ := bestScore(weak.example)
		return fmt.Sprintf("little similarity: the best chunk is below %.2f in %s, here %.2f", low, weak.words("retrievals"), s)
	})

	_, old := d.limits("index_age", 0, staleAge)
	dated := func(r *health.Request) bool { _, ok := youngest(r); return ok }
	stale := d.count(dated, func(r *health.Request) bool { a, _ := youngest(r); return a > old })
	d.report(stale, staleWarn, 0, func() string {
		a, _ := youngest(stale.example)
		return fmt.Sprintf("stale documents: in %s no chunk is younger than %s, here %s", stale.words("retrievals"), health.Format(health.Seconds, old), health.Format(health.Seconds, a))
	})

	warn, critical = d.limits("embedding_mismatch", mismatchWarn, mismatchCritical)
	named := func(r *health.Request) bool { q, i := embeddings(r); return q != "" && i != "" }
	mixed := d.count(named, func(r *health.Request) bool { q, i := embeddings(r); return q != i })
	d.report(mixed, warn, critical, func() string {
		q, i := embeddings(mixed.example)
		return fmt.Sprintf("embedding models differ in %s: query %s, index %s", mixed.words("retrievals"), q, i)
	})
}

// foundNothing says whether a retrieval came back empty: the log says so.
func foundNothing(r *health.Request) bool {
	if len(r.Chunks) > 0 {
		return false
	}
	low := strings.ToLower(r.Error)
	return strings.Contains(low, "empty") && strings.Contains(low, "retriev") || strings.Contains(low, "no_documents") || strings.Contains(low, "no_results")
}

func bestScore(r *health.Request) (best float64, ok bool) {
	for _, c := range r.Chunks {
		if c.Score != nil && *c.Score >= 0 && *c.Score <= 1 { // distances are no similarities
			best, ok = max(best, *c.Score), true
		}
	}
	return best, ok
}

// youngest is the age of the newest chunk, in seconds.
func youngest(r *health.Request) (age float64, ok bool) {
	for _, c := range r.Chunks {
		if c.Age != nil && (!ok || *c.Age < age) {
			age, ok = *c.Age, true
		}
	}
	return age, ok
}

// embeddings are the models that embedded the question and what was found.
func embeddings(r *health.Request) (query, index string) {
	for _, f := range r.Dims {
		if !strings.HasSuffix(strings.ReplaceAll(f.Name, ".", "_"), "embedding_model") {
			continue
		}
		if strings.Contains(f.Name, "index") || strings.Contains(f.Name, "document") || strings.Contains(f.Name, "chunk") {
			index = f.Value
		} else {
			query = f.Value
		}
	}
	return query, index
}
