package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sickbay/health"
)

// noon is when all tests happen.
var noon = time.Date(2026, 11, 23, 14, 2, 3, 0, time.UTC)

// A clock that only moves when told.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }
func (c *clock) add(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	return c.at
}

// start runs a demo at noon, with as much history as most tests look at.
func start(t testing.TB, scenario string, seed uint64) (*Demo, *clock) {
	t.Helper()
	return startFrom(t, scenario, seed, 17*time.Minute)
}

func startFrom(t testing.TB, scenario string, seed uint64, past time.Duration) (*Demo, *clock) {
	t.Helper()
	c := &clock{at: noon}
	d, err := startWith(context.Background(), Options{Scenario: scenario, Seed: seed, Dir: t.TempDir(), Now: c.now}, past)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d, c
}

// do sends one request to a demo's handler.
func do(d *Demo, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	d.Handler().ServeHTTP(w, r)
	return w
}

// ranged asks for the values of a query by service.
func ranged(t testing.TB, d *Demo, query string, from, to time.Time, step time.Duration) map[string][]float64 {
	t.Helper()
	v := url.Values{"query": {query}, "start": {strconv.FormatInt(from.Unix(), 10)}, "end": {strconv.FormatInt(to.Unix(), 10)}, "step": {step.String()}}
	w := do(d, httptest.NewRequest("GET", "/api/v1/query_range?"+v.Encode(), nil))
	var a struct {
		Error string
		Data  struct {
			Result []struct {
				Metric map[string]string
				Values [][2]any
			}
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || a.Error != "" {
		t.Fatalf("%s: %v %s", query, err, a.Error)
	}
	out := map[string][]float64{}
	for _, s := range a.Data.Result {
		for _, p := range s.Values {
			f, err := strconv.ParseFloat(p[1].(string), 64)
			if err != nil {
				t.Fatal(err)
			}
			out[s.Metric["service"]] = append(out[s.Metric["service"]], f)
		}
	}
	return out
}

// now is the value of a query by service at one moment.
func now(t testing.TB, d *Demo, query string, at time.Time) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	for s, v := range ranged(t, d, query, at, at, time.Second) {
		out[s] = v[0]
	}
	return out
}

// worst is the worst status each service has in a time, and why.
func worst(t testing.TB, d *Demo, from, to time.Time, step time.Duration) (map[string]health.Status, map[string][]string) {
	status, why := map[string]health.Status{}, map[string][]string{}
	for _, q := range measures {
		for name, values := range ranged(t, d, q.query, from, to, step) {
			for i, v := range values {
				st := q.status(v, d.world.service(name))
				if st == health.OK {
					continue
				}
				why[name] = append(why[name], fmt.Sprintf("%s %v = %.4g at %v", q.id, st, v, from.Add(time.Duration(i)*step).Format(time.TimeOnly)))
				status[name] = worseOf(status[name], st)
			}
		}
	}
	return status, why
}

func worseOf(a, b health.Status) health.Status {
	if b > a {
		return b
	}
	return a
}

func TestAQuietDemo(t *testing.T) {
	past := history
	if raced {
		past = 10 * time.Minute
	}
	d, _ := startFrom(t, "quiet", 1, past)
	for name, claim := range map[string]func(*testing.T, *Demo){
		"stays on the good side of every limit":     nobodyIsIll,
		"measures every signal of the catalogue":    everySignalIsMeasuredSomewhere,
		"logs in order and more densely at its end": theLogIsInOrderAndDenserAtItsEnd,
		"logs all fields of each kind of service":   everyLineCarriesTheFieldsOfItsKind,
		"logs the usual failures":                   theUsualFailuresAreThere,
	} {
		t.Run(name, func(t *testing.T) { claim(t, d) })
	}
}

func nobodyIsIll(t *testing.T, d *Demo) {
	var coarse map[string][]string
	fineFrom := noon.Add(-8 * time.Minute)
	if !raced {
		fineFrom = noon.Add(-finePart + time.Minute)
		_, coarse = worst(t, d, noon.Add(-history+5*time.Minute), noon.Add(-finePart), 45*time.Second)
	}
	_, fine := worst(t, d, fineFrom, noon, look)
	for _, why := range []map[string][]string{coarse, fine} {
		for s, w := range why {
			t.Errorf("%s: %v", s, w[:min(3, len(w))])
		}
	}
}

func everySignalIsMeasuredSomewhere(t *testing.T, d *Demo) {
	for _, id := range wanted {
		found := 0
		for _, q := range measures {
			if q.id != id {
				continue
			}
			for s, v := range now(t, d, q.query, noon) {
				if math.IsNaN(v) {
					t.Errorf("%s of %s is NaN", id, s)
				}
				found++
			}
		}
		if found == 0 {
			t.Errorf("no service measures %s", id)
		}
	}
}

func TestEveryScenarioTellsItsStory(t *testing.T) {
	for _, sc := range Scenarios() {
		t.Run(sc.Name, func(t *testing.T) {
			if raced && sc.Name != "bad-prompt" && sc.Name != "gpu-saturation" {
				t.Skip("two of the stories are enough for the race detector")
			}
			d, c := start(t, sc.Name, 1)
			nobodyIsIllBefore(t, d)
			onlyTheGuiltyBecomesCritical(t, d, sc)
			if sc.guilty == "" {
				return
			}
			onlyTheGuiltyHasAlerts(t, d, sc)
			failingRecordsCarryTheGuiltyVersion(t, d, sc)
			if sc.Name == "feature-drift" {
				onlySomeFeaturesMove(t, d)
			}
			if sc.change != nil {
				theFeedNamesTheChange(t, d, sc)
				theRollbackHelps(t, d, c, sc)
			}
		})
	}
}

func nobodyIsIllBefore(t *testing.T, d *Demo) {
	t.Helper()
	before, why := worst(t, d, noon.Add(-15*time.Minute), noon.Add(-beforeNow-jitterSecs*time.Second), look)
	for name := range before {
		t.Errorf("ill before it began: %s", why[name][0])
	}
}

// onlyTheGuiltyBecomesCritical wants a signal of the guilty service that is
// critical at every look from the third minute on.
func onlyTheGuiltyBecomesCritical(t *testing.T, d *Demo, sc Scenario) {
	t.Helper()
	from, step, looks := noon.Add(-beforeNow+3*time.Minute), look, 0
	status, why := worst(t, d, from, noon, step)
	for name, st := range status {
		if name != sc.guilty && (st == health.Critical || sc.hit[name] == nil) {
			t.Errorf("%s is %v: %v", name, st, why[name][0])
		}
	}
	if looks = int(noon.Sub(from)/step) + 1; sc.guilty == "" {
		return
	}
	critical := map[string]int{}
	for _, line := range why[sc.guilty] {
		if f := strings.Fields(line); f[1] == health.Critical.String() {
			critical[f[0]]++
		}
	}
	for _, n := range critical {
		if n >= looks {
			return
		}
	}
	t.Errorf("no signal of %s is critical at all of %d looks: %v", sc.guilty, looks, critical)
}

// onlySomeFeaturesMove compares the newest two minutes with those half an hour
// before the fault.
func onlySomeFeaturesMove(t *testing.T, d *Demo) {
	t.Helper()
	moved := map[string]bool{"amount": true, "merchant_risk": true, "age_days": false, "velocity_1h": false, "geo_distance_km": false}
	for feature, want := range moved {
		buckets := func(at time.Time) map[string]float64 {
			return now(t, d, `label_replace(sum by (le) (increase(ai_feature_value_bucket{service="fraud-score",feature="`+
				feature+`"}[2m])), "service", "$1", "le", "(.+)")`, at)
		}
		if psi := stability(buckets(noon.Add(-13*time.Minute)), buckets(noon)); want && psi < 0.3 || !want && psi > 0.05 {
			t.Errorf("%s moved by %.3f", feature, psi)
		}
	}
}

// stability is the population stability index of two cumulative histograms by le.
func stability(ref, cur map[string]float64) float64 {
	var bounds []float64
	for le := range ref {
		b, _ := strconv.ParseFloat(le, 64)
		bounds = append(bounds, b)
	}
	slices.Sort(bounds)
	share := func(of map[string]float64, i int) float64 {
		low := 0.0
		if i > 0 {
			low = of[bound(bounds[i-1])]
		}
		return max((of[bound(bounds[i])]-low)/of["+Inf"], 1e-4)
	}
	psi := 0.0
	for i := range bounds {
		p, q := share(ref, i), share(cur, i)
		psi += (q - p) * math.Log(q/p)
	}
	return psi
}

func onlyTheGuiltyHasAlerts(t *testing.T, d *Demo, sc Scenario) {
	t.Helper()
	firing := now(t, d, `count by (service) (ALERTS{alertstate="firing"})`, d.world.now)
	if len(firing) != 1 || firing[sc.guilty] == 0 {
		t.Errorf("firing: %v", firing)
	}
}

func TestTheSameSeedAndClockGiveTheSameBytes(t *testing.T) {
	dump := func(seed uint64) (metrics, log string) {
		d, c := startFrom(t, "tool-loop", seed, 3*time.Minute)
		d.Advance(c.add(30 * time.Second))
		var b strings.Builder
		if err := d.store.Expose(&b, c.now().UnixMilli()); err != nil {
			t.Fatal(err)
		}
		return b.String(), readLog(t, d)
	}
	m1, l1 := dump(5)
	m2, l2 := dump(5)
	m3, l3 := dump(6)
	if m1 != m2 || l1 != l2 {
		t.Error("the same seed gave something else")
	}
	if m1 == m3 || l1 == l3 {
		t.Error("another seed gave the same")
	}
}

func TestCountersNeverDecrease(t *testing.T) {
	d, c := startFrom(t, "gpu-saturation", 2, 3*time.Minute)
	d.Advance(c.add(time.Minute))
	names := now(t, d, `label_replace(count by (__name__) ({__name__=~".+_total|.+_bucket|.+_count|.+_sum"}), "service", "$1", "__name__", "(.+)")`, c.now())
	if len(names) < 40 {
		t.Fatalf("only %d kinds of counter", len(names))
	}
	for name := range names {
		if name == "collections_total" || name == "collections_vector_total" { // gauges, in spite of their names
			continue
		}
		for s, v := range now(t, d, "sum by (service) (resets({__name__=\""+name+"\"}[6h]))", c.now()) {
			if v != 0 {
				t.Errorf("%s of %s decreased %v times", name, s, v)
			}
		}
	}
}

func TestScenariosAreComplete(t *testing.T) {
	all := Scenarios()
	if all[0].Name != "quiet" {
		t.Errorf("first is %q", all[0].Name)
	}
	services := newServices()
	has := func(name string) *service {
		i := slices.IndexFunc(services, func(s *service) bool { return s.name == name })
		if i < 0 {
			return nil
		}
		return services[i]
	}
	for _, s := range all {
		if s.Title == "" || s.Story == "" {
			t.Errorf("%s has no title or story", s.Name)
		}
		if s.guilty == "" {
			continue
		}
		if has(s.guilty) == nil || s.hit[s.guilty] == nil || s.kind == "" || s.share <= 0 || s.rise <= 0 {
			t.Errorf("%s: guilty service, what hits it, kind, share and rise have to be given", s.Name)
		}
		if c := s.change; c != nil {
			if p := has(c.service).slot(c.slot); p == nil || p.knows(c.to) || s.heal <= 0 || s.kind != c.slot {
				t.Errorf("%s: changes %s of %s to %s: has to be a new version of a slot, and heal", s.Name, c.slot, c.service, c.to)
			}
		}
	}
}

func BenchmarkSixHoursOfHistory(b *testing.B) {
	for b.Loop() {
		d, err := Start(context.Background(), Options{Scenario: "bad-prompt", Dir: b.TempDir(), Now: func() time.Time { return noon }})
		if err != nil {
			b.Fatal(err)
		}
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
