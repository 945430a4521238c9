package triage

import (
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

// A case is one synthetic incident as its file tells it.
type incidentCase struct {
	ID    string
	Hard  bool
	Step  int64 `json:"step_s"`
	Start int64
	Now   int64
	Alert struct {
		Signal string
		Time   int64
	}
	Services []struct {
		Name     string
		Deps     []string
		External bool
	}
	Signals []struct {
		ID, Service, Kind, Bad string
		Values                 []*float64
	}
	Changes []struct {
		ID, Kind, Service, From, To, Dim, Text string
		Time                                   int64
	}
	Requests struct {
		N    int
		T    []int64
		Fail string // base64 of one byte per request
		Cols []struct {
			Name  string
			Dict  []string
			Codes []uint32
		}
	}
}

type incidentTruth struct {
	ID    string
	Truth struct {
		Scenario, Answer, Service string
		Dims                      map[string]string
		Onset                     int64
	}
}

// caseGroups are the groups of the kinds of signals that the cases have.
var caseGroups = map[string]string{
	"rps": "traffic", "latency_p95": "latency", "ttft_p95": "latency", "error_rate": "errors",
	"gpu_util": "saturation", "queue_len": "saturation", "kv_cache_util": "saturation",
}

func (c *incidentCase) incident(t *testing.T) Incident {
	t.Helper()
	at := func(s int64) time.Time { return time.Unix(s, 0).UTC() }
	in := Incident{Now: at(c.Now), Step: time.Duration(c.Step) * time.Second, Owner: caseOwner}
	service, signal, _ := strings.Cut(c.Alert.Signal, "/")
	in.Alarm = Alarm{Service: service, Signal: signal} // the time of a page says nothing about the onset
	index := map[string]int{}
	for i, s := range c.Services {
		index[s.Name] = i
		in.Parts = append(in.Parts, Part{Name: s.Name, Calls: s.Deps, External: s.External})
	}
	for _, s := range c.Signals {
		sig := health.Signal{ID: s.Kind, Group: caseGroups[s.Kind], Bad: map[string]health.Bad{"up": health.Up, "down": health.Down}[s.Bad]}
		for i, v := range s.Values {
			p := health.Point{T: (c.Start + int64(i)*c.Step) * 1000, V: math.NaN()}
			if v != nil {
				p.V = *v
			}
			sig.Series = append(sig.Series, p)
		}
		p := &in.Parts[index[s.Service]]
		p.Signals = append(p.Signals, sig)
	}
	for _, v := range c.Changes {
		in.Changes = append(in.Changes, health.Change{ID: v.ID, At: at(v.Time), Kind: v.Kind, Service: v.Service, From: v.From, To: v.To, Dim: v.Dim, Text: v.Text})
	}
	fail, err := base64.StdEncoding.DecodeString(c.Requests.Fail)
	if err != nil || len(fail) != c.Requests.N {
		t.Fatalf("%s: %d of %d outcomes, %v", c.ID, len(fail), c.Requests.N, err)
	}
	for i, s := range c.Requests.T {
		in.Requests.At = append(in.Requests.At, s*1000)
		in.Requests.Failed = append(in.Requests.Failed, fail[i] != 0)
	}
	for _, col := range c.Requests.Cols {
		in.Requests.Columns = append(in.Requests.Columns, Column{col.Name, col.Dict, col.Codes})
	}
	return in
}

// caseOwner is configuration in real life (see the README of the cases).
func caseOwner(dimension, value string) string {
	switch dimension {
	case "tool":
		if value != "none" {
			return "tool-" + value
		}
	case "provider":
		if value == "self" {
			return "vllm"
		}
		return value
	}
	return ""
}

// names is how the cases write a suspect.
func (c *incidentCase) names(s health.Suspect) string {
	switch s.Kind {
	case "load":
		return "load"
	case "external", "unrecorded":
		return "unrecorded:" + s.Service // the two count as equal
	}
	return s.Change
}

// cases are those that were read already: three tests look at the same ones, and
// reading them is most of the work under the race detector.
var cases = map[string]incidentCase{}

func readCase(t *testing.T, path string, into any) {
	t.Helper()
	c, isCase := into.(*incidentCase)
	if known, ok := cases[path]; ok && isCase {
		*c = known
		return
	}
	decodeFile(t, path, into)
	if isCase {
		cases[path] = *c
	}
}

func decodeFile(t *testing.T, path string, into any) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := json.NewDecoder(f)
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		d = json.NewDecoder(z)
	}
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// A tally counts how often the truth was found.
type tally struct{ n, top1, top3, strong, strongRight, likely, likelyRight int }

func (t tally) top() (one, three float64) {
	n := float64(max(t.n, 1))
	return float64(t.top1) / n, float64(t.top3) / n
}

func (t tally) right() float64 { return float64(t.strongRight) / float64(max(t.strong, 1)) }

func (t tally) String() string {
	one, three := t.top()
	return fmt.Sprintf("top1=%.3f top3=%.3f n=%d (%d of %d strong right, %d of %d likely)", one, three, t.n, t.strongRight, t.strong, t.likelyRight, t.likely)
}

func (t *tally) count(rank int, label string) {
	t.n++
	switch {
	case rank == 1:
		t.top1++
		fallthrough
	case rank > 0 && rank <= 3:
		t.top3++
	}
	right := 0
	if rank == 1 {
		right = 1
	}
	switch label {
	case "strong":
		t.strong, t.strongRight = t.strong+1, t.strongRight+right
	case "likely":
		t.likely, t.likelyRight = t.likely+1, t.likelyRight+right
	}
}

func TestIncidents(t *testing.T) {
	dir := os.Getenv("SICKBAY_INCIDENTS")
	if dir == "" {
		dir = filepath.Join("testdata", "incidents")
	}
	var truths []incidentTruth
	readCase(t, filepath.Join(dir, "truth.json"), &truths)
	var all, clean, hard tally
	for _, truth := range truths {
		var c incidentCase
		readCase(t, filepath.Join(dir, truth.ID+".json.gz"), &c)
		found := Suspects(c.incident(t))
		want := strings.Replace(truth.Truth.Answer, "external:", "unrecorded:", 1)
		if want == "" || want == "none" { // nothing was wrong: nobody may be sent after anybody
			if len(found) > 0 && found[0].Label == "strong" {
				t.Errorf("%s: nothing is wrong, and strongly suspected is %+v", truth.ID, found[0])
			}
			continue
		}
		rank := 1 + slices.IndexFunc(found, func(s health.Suspect) bool { return c.names(s) == want && s.RuledOut == "" })
		label := ""
		if len(found) > 0 {
			label = found[0].Label
		}
		half := &clean
		if c.Hard {
			half = &hard
		}
		half.count(rank, label)
		all.count(rank, label)
		for _, s := range found {
			checkSum(t, s)
		}
		if rank != 1 && testing.Verbose() {
			t.Logf("%s %s: %s is number %d, onset %v", truth.ID, truth.Truth.Scenario, truth.Truth.Answer, rank, time.Unix(truth.Truth.Onset, 0).UTC().Format(time.TimeOnly))
			for _, s := range found {
				t.Logf("  %5.1f %-8s %s %s %s→%s %s %s\n\t%s", s.Score, s.Label, c.names(s), s.Kind, s.From, s.To, s.Service, s.RuledOut, strings.Join(s.Evidence, "\n\t"))
			}
		}
	}
	fmt.Println(all)
	fmt.Println("clean", clean)
	fmt.Println("hard", hard)
	c1, c3 := clean.top()
	h1, h3 := hard.top()
	fmt.Printf("clean top1=%.3f top3=%.3f hard top1=%.3f top3=%.3f strong=%.3f\n", c1, c3, h1, h3, all.right())
	wantShares(t, "clean", clean, 0.95, 0.99)
	wantShares(t, "hard", hard, 0.78, 0.90)
	if all.strong > 0 && all.right() < 0.95 {
		t.Errorf("strong is right in %.3f, want 0.95", all.right())
	}
}

// TestNothingIsStronglySuspectedWhereNothingIsWrong looks at the same cases as they
// were before their incident, through every signal that could page somebody.
func TestNothingIsStronglySuspectedWhereNothingIsWrong(t *testing.T) {
	dir := filepath.Join("testdata", "incidents")
	var truths []incidentTruth
	readCase(t, filepath.Join(dir, "truth.json"), &truths)
	windows, said := 0, 0
	for i, truth := range truths {
		if i%3 != 0 {
			continue // seven alarms a case: a third of them is plenty
		}
		var c incidentCase
		readCase(t, filepath.Join(dir, truth.ID+".json.gz"), &c)
		in := until(c.incident(t), time.Unix(truth.Truth.Onset-10*60, 0).UTC())
		for _, p := range in.Parts {
			for _, s := range p.Signals {
				if p.Name != "gateway" && p.Name != "chat-api" || s.Bad == health.Neutral {
					continue
				}
				in.Alarm = Alarm{Service: p.Name, Signal: s.ID}
				found := Suspects(in)
				if windows++; len(found) > 0 && found[0].RuledOut == "" {
					said++
				}
				if len(found) > 0 && found[0].Label == "strong" {
					t.Errorf("%s, %s of %s: %+v", c.ID, s.ID, p.Name, found[0])
				}
			}
		}
	}
	if t.Logf("%d of %d windows say something", said, windows); windows < 100 || float64(said) > 0.04*float64(windows) {
		t.Errorf("%d of %d windows without an incident say something, want at most 4 %%", said, windows)
	}
}

// until is an incident as it was known at an earlier time.
func until(in Incident, now time.Time) Incident {
	in.Now = now
	for i := range in.Parts {
		for k := range in.Parts[i].Signals {
			s := &in.Parts[i].Signals[k]
			s.Series = slices.DeleteFunc(s.Series, func(p health.Point) bool { return p.Time().After(now) })
		}
	}
	in.Changes = slices.DeleteFunc(in.Changes, func(c health.Change) bool { return c.At.After(now) })
	n := in.Requests.from(now)
	in.Requests.At, in.Requests.Failed = in.Requests.At[:n], in.Requests.Failed[:n]
	for i := range in.Requests.Columns {
		in.Requests.Columns[i].Codes = in.Requests.Columns[i].Codes[:n]
	}
	return in
}

func wantShares(t *testing.T, what string, got tally, one, three float64) {
	t.Helper()
	if a, b := got.top(); got.n > 0 && (a < one || b < three) {
		t.Errorf("%s: %v, want top1 %.2f and top3 %.2f", what, got, one, three)
	}
}

// BenchmarkOneRefresh is an incident of the size: 80 signals of 300 points,
// 20 changes, 100 000 requests of which a part is compared.
func BenchmarkOneRefresh(b *testing.B) {
	rng := rand.New(rand.NewPCG(18, 1))
	in := Input{Now: noon, Window: 75 * time.Minute, RateWindow: time.Minute}
	for i := range 4 {
		s := health.Service{Name: fmt.Sprintf("s%d", i), Kind: health.LLM}
		for k := range 20 {
			group := []string{"errors", "latency", "saturation", "quality"}[k%4]
			s.Signals = append(s.Signals, fresh(fmt.Sprintf("x%d", k), group, health.Count, health.Up, 1.5, 2.5, stepAt(rng, 300, onsetPoints, 1, 3, .1)...))
		}
		if i > 0 {
			in.Services[i-1].Calls = []string{s.Name}
		}
		in.Services = append(in.Services, s)
	}
	for i := range 20 {
		in.Changes = append(in.Changes, change("prompt", fmt.Sprintf("s%d", i%4), fmt.Sprintf("v%d", i), fmt.Sprintf("v%d", i+1), time.Duration(i)*time.Minute))
	}
	records := make(heldWhole, 100_000)
	in.Records = records
	for i := range records {
		r := &records[i]
		r.At, r.Service = noon.Add(-time.Duration(len(records)-i)*40*time.Millisecond), fmt.Sprintf("s%d", i%4)
		r.Failed = rng.IntN(20) == 0
		r.Lineage.Prompt, r.Lineage.Model = fmt.Sprintf("v%d", i%2), "m1"
		for k := range 10 {
			r.Dims = append(r.Dims, health.Field{Name: fmt.Sprintf("d%d", k), Value: fmt.Sprintf("value-%d", rng.IntN(8))})
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		Judge(in, Memory{})
	}
}
