package pane

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"hash/fnv"
	"math"
	"os"
	"reflect"
	"testing"
	"time"

	"sickbay/health"
)

// hostileStrings are what attackers, models and broken services put into labels
// and logs; SICKBAY_HOSTILE names another file.
func hostileStrings(t testing.TB) []string {
	t.Helper()
	path := os.Getenv("SICKBAY_HOSTILE")
	if path == "" {
		path = "../../health/testdata/hostile_strings.json"
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Items []struct {
			Bytes []byte `json:"b64"`
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	var out []string
	for _, i := range file.Items {
		out = append(out, string(i.Bytes[:min(len(i.Bytes), 400)]))
	}
	if len(out) < 50 {
		t.Fatalf("%s: only %d strings", path, len(out))
	}
	return out
}

// A poison replaces every text and number in a value by the next bad one.
type poison struct {
	texts []string
	n     int
}

var badNumbers = []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -1, 0, 1e-300, 0.5}

func (p *poison) next() int { p.n++; return p.n }

func (p *poison) spoil(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			p.spoil(v.Elem())
		}
	case reflect.Struct:
		if t, ok := v.Addr().Interface().(*time.Time); ok {
			*t = []time.Time{{}, *t, t.Add(9000 * time.Hour), time.Unix(1<<40, 0)}[p.next()%4]
			return
		}
		for i := range v.NumField() {
			p.spoil(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			p.spoil(v.Index(i))
		}
	case reflect.String:
		v.SetString(p.texts[p.next()%len(p.texts)])
	case reflect.Float64:
		v.SetFloat(badNumbers[p.next()%len(badNumbers)])
	case reflect.Int, reflect.Int64:
		v.SetInt([]int64{0, -1, math.MaxInt32, 7}[p.next()%4])
	case reflect.Uint8:
		v.SetUint(uint64(p.next() % 9))
	}
}

// spoiled is the ward with nothing good left in it, except that what has ids can
// still be found by them.
func spoiled(t testing.TB) *health.Snapshot {
	s := ward()
	p := &poison{texts: hostileStrings(t)}
	requests := map[string]health.Request{}
	for _, id := range []string{"req-8812", "req-8801", "req-7000"} {
		r := s.Requests[id]
		p.spoil(reflect.ValueOf(&r).Elem())
		requests[id] = r
	}
	traces := spoiledTraces(p, s.Traces, requests)
	s.Requests, s.Traces = nil, nil
	p.spoil(reflect.ValueOf(s).Elem())
	s.Requests, s.Traces = requests, traces
	s.Services[0].Name, s.Failures[0].ID = "support-chat", "f1"
	s.Failures[0].Requests = []string{"req-8812", s.Services[1].Name, "req-7000"}
	return s
}

// crowd is a thousand services and hundreds of everything else.
func crowd() *health.Snapshot {
	s := ward()
	s.Asking = false
	for i := range 1000 {
		v := s.Services[i%7]
		v.Name = fmt.Sprintf("%s-%d", v.Name, i)
		s.Services = append(s.Services, v)
	}
	for i := range 200 {
		f, c, a := s.Failures[i%3], s.Changes[i%4], s.Alerts[i%3]
		f.ID, c.ID, a.Name = fmt.Sprint("f", i+10), fmt.Sprint("c", i+10), fmt.Sprint(a.Name, i)
		s.Failures, s.Changes, s.Alerts = append(s.Failures, f), append(s.Changes, c), append(s.Alerts, a)
		s.Journal = append(s.Journal, health.Entry{Seq: i + 10, Event: "note", At: now})
	}
	return s
}

// digest tells two snapshots apart, whatever is in them.
func digest(s *health.Snapshot) uint64 {
	h := fnv.New64a()
	digestOf(h, reflect.ValueOf(s))
	return h.Sum64()
}

func digestOf(h hash.Hash64, v reflect.Value) {
	number := func(n uint64) { _ = binary.Write(h, binary.LittleEndian, n) }
	switch v.Kind() {
	case reflect.Pointer:
		number(0)
		if !v.IsNil() {
			digestOf(h, v.Elem())
		}
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			number(uint64(t.UnixNano()))
			return
		}
		for i := range v.NumField() {
			digestOf(h, v.Field(i))
		}
	case reflect.Slice:
		number(uint64(v.Len()))
		for i := range v.Len() {
			digestOf(h, v.Index(i))
		}
	case reflect.Map:
		number(uint64(v.Len()))
		if v.Type().Key().Kind() != reflect.String {
			return
		}
		for _, id := range []string{"req-8812", "req-8801", "req-7000"} {
			if r := v.MapIndex(reflect.ValueOf(id)); r.IsValid() {
				digestOf(h, r)
			}
		}
	case reflect.String:
		number(uint64(v.Len()))
		_, _ = h.Write([]byte(v.String()))
	case reflect.Float64:
		number(math.Float64bits(v.Float()))
	case reflect.Int, reflect.Int64:
		number(uint64(v.Int()))
	case reflect.Uint8, reflect.Uint64:
		number(v.Uint())
	case reflect.Bool:
		if v.Bool() {
			number(1)
		}
	}
}
