package logs

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

// heldOf is a record with something in every part that is held.
func heldOf(rng *rand.Rand, i int) health.Request {
	num := func() *float64 {
		all := []float64{0, 1, 1.25, 0.001, 123456, 1e-9, math.Pi, -4, math.Inf(1), math.Copysign(0, -1)}
		if k := rng.IntN(len(all) + 2); k < len(all) {
			return &all[k]
		}
		return nil
	}
	words := func(s string) string { return []string{"", s, s + "-" + fmt.Sprint(rng.IntN(5))}[rng.IntN(3)] }
	r := health.Request{
		ID: fmt.Sprint("req-", i), At: testNow.Add(time.Duration(i)*time.Millisecond + 7), Service: words("chat"), Name: words("op"), Level: words("info"),
		Failed: i%3 == 0, Code: rng.IntN(3) * 200, Error: words("timeout"), Finish: words("stop"), Message: words("it said"), Group: words("g"),
		Lineage: health.Lineage{Prompt: words("v"), Build: words("b"), Config: words("c")}, Trace: []string{"", "not hexadecimal", "4BF92F35", "4bf92f3577b34da6a3ce929d0e0e4736", "odd"}[rng.IntN(5)], Origin: words("/var/log/a"), Source: words("requests"),
		Duration: num(), TTFT: num(), TokensIn: num(), TokensOut: num(), CostUSD: num(),
		Raw: words("{raw}"), Prompt: words("ask"), Answer: words("say"),
	}
	for k := range rng.IntN(3) {
		r.Dims = append(r.Dims, health.Field{Name: fmt.Sprint("d", k), Value: words("value")})
		r.Chunks = append(r.Chunks, health.Chunk{ID: fmt.Sprint("c", k), Score: num(), Age: num(), Text: words("text")})
		r.Tools = append(r.Tools, health.ToolCall{Name: words("tool"), Arguments: words("{}"), Result: words("found"), Error: words("bad"), Duration: num()})
		r.Scores = append(r.Scores, health.Field{Name: "judge", Value: words("pass")})
		r.Signs = append(r.Signs, health.Sign{Kind: "loop", Text: words("again")})
	}
	return r
}

func TestWhatIsHeldIsWhatWasGiven(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var s Store
	var given []health.Request
	for i := range 2500 { // several pages
		given = append(given, heldOf(rng, i))
	}
	s.Add(given)
	all := s.Until(given[len(given)-1].At)
	if all.Len() != len(given) || s.Len() != len(given) {
		t.Fatalf("%d of %d are held", all.Len(), len(given))
	}
	for i, want := range given {
		if got, ok := s.Find(want.ID); !ok || !reflect.DeepEqual(got, want) {
			t.Fatalf("held\n%+v\ngiven\n%+v", got, want)
		}
		if all.Service(i) != want.Service || all.Failed(i) != want.Failed || all.Group(i) != want.Group || !all.At(i).Equal(want.At) {
			t.Fatalf("record %d is listed as another", i)
		}
	}
	found := s.FindAll([]string{"req-17", "req-2499", "nobody", ""})
	if len(found) != 2 || !reflect.DeepEqual(found["req-17"], given[17]) {
		t.Errorf("found by their ids: %+v", found)
	}
	if got := s.Between(given[10].At, given[20].At); got.Len() != 10 || !got.At(0).Equal(given[11].At) {
		t.Errorf("%d records between two of them", got.Len())
	}
}

func FuzzWhatIsHeldIsWhatWasGiven(f *testing.F) {
	f.Add("req-1", "4bf92f3577b34da6a3ce929d0e0e4736", "it said", "chat", 1.25, int64(7), 12)
	f.Add("", "4BF9", "", "", math.Copysign(0, -1), int64(0), 0)
	f.Add("\x00\xff", "abc", strings.Repeat("m", 300), "ü", 1e300, int64(1)<<40, 1<<20)
	f.Fuzz(func(t *testing.T, id, trace, message, word string, number float64, offset int64, length int) {
		want := health.Request{
			ID: id, Trace: trace, Message: message, Service: word, Error: word, Duration: &number, Offset: max(offset, 0), Length: max(length, 1),
			Dims: []health.Field{{Name: word, Value: id}}, Tools: []health.ToolCall{{Name: word, Error: message, Duration: &number}},
			Chunks: []health.Chunk{{ID: id, Score: &number}}, Signs: []health.Sign{{Kind: word, Text: message}},
		}
		var s Store
		s.Add([]health.Request{{ID: "before" + id}, want})
		if got, ok := s.Find(id); !ok || !reflect.DeepEqual(got, want) && !math.IsNaN(number) {
			t.Errorf("held\n%+v\ngiven\n%+v", got, want)
		}
	})
}

func TestARecordThatCanBeReadAgainIsHeldWithoutItsLine(t *testing.T) {
	var s Store
	s.Add([]health.Request{{
		ID: "a", Raw: "{}", Prompt: "p", Answer: "a", Origin: "f", Offset: 7, Length: 2,
		Chunks: []health.Chunk{{ID: "c", Text: "long"}}, Tools: []health.ToolCall{{Name: "t", Arguments: "{}", Result: "r"}},
	}})
	want := health.Request{
		ID: "a", Origin: "f", Offset: 7, Length: 2,
		Chunks: []health.Chunk{{ID: "c"}}, Tools: []health.ToolCall{{Name: "t"}},
	}
	if got, _ := s.Find("a"); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestTheStoreStaysInOrderAndBounded(t *testing.T) {
	s := Store{MaxRecords: 1000}
	begin := time.Unix(1_800_000_000, 0)
	for i := range 130 {
		var batch []health.Request
		for j := range 100 {
			n := i*100 + j
			late := 0
			if n%97 == 0 {
				late = 50 // lines of another file, a twentieth of a second old
			}
			batch = append(batch, health.Request{ID: fmt.Sprint(n), At: begin.Add(time.Duration(n-late) * time.Millisecond)})
		}
		s.Add(batch)
	}
	if n := s.Len(); n > 1100 || n < 1000 || s.Lost()+n != 13_000 {
		t.Errorf("%d records are held, %d were dropped", n, s.Lost())
	}
	all := s.Until(begin.Add(time.Hour))
	var r health.Request
	for i := range all.Len() {
		if i > 0 && all.At(i).Before(all.At(i-1)) {
			t.Fatalf("record %d is older than the one before it", i)
		}
		all.Read(i, &r)
		if got, ok := s.Find(r.ID); !ok || got.ID != r.ID || !got.At.Equal(all.At(i)) {
			t.Fatalf("record %d is found as %q", i, got.ID)
		}
	}
	if _, ok := s.Find("0"); ok {
		t.Error("a record that was dropped is found")
	}
}

func TestTheNewestOfRecordsWithOneIDIsFound(t *testing.T) {
	var s Store
	s.Add([]health.Request{{ID: "a", Message: "old", At: testNow}, {ID: "a", Message: "new", At: testNow.Add(time.Second)}})
	s.Add([]health.Request{{ID: "a", Message: "late", At: testNow.Add(-time.Second)}})
	if got, _ := s.Find("a"); got.Message != "new" {
		t.Errorf("found %q", got.Message)
	}
}

func TestARecordIsFoundByItsTraceInAnyCase(t *testing.T) {
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	var s Store
	s.Add([]health.Request{{ID: "none", At: testNow}, {Trace: trace, At: testNow}, {ID: "a", Trace: trace, At: testNow}, {ID: "b", Trace: "4BF9", At: testNow}, {ID: "c", Trace: "No-Hex", At: testNow}})
	all := s.Until(testNow)
	for trace, want := range map[string]string{trace: "a", strings.ToUpper(trace): "a", "4bf9": "b", "4BF9": "b", "no-hex": "c", "beef": "", "nobody": ""} {
		if got, ok := all.OfTrace(trace); got != want || ok != (want != "") {
			t.Errorf("of trace %s is %q, want %q", trace, got, want)
		}
	}
}

func TestTimesThatNoClockHasAreHeldInOrder(t *testing.T) {
	var s Store
	year := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	s.Add([]health.Request{{ID: "far", At: year(9999)}, {ID: "now", At: testNow}, {ID: "none"}, {ID: "roman", At: year(100)}})
	all, ids := s.Until(year(9999)), []string{}
	for i := range all.Len() {
		var r health.Request
		all.Read(i, &r)
		ids = append(ids, r.ID)
	}
	if !slices.Equal(ids, []string{"none", "roman", "now", "far"}) {
		t.Errorf("in order: %q", ids)
	}
	if got, _ := s.Find("none"); !got.At.IsZero() {
		t.Errorf("a record without a time was at %v", got.At)
	}
}

// Records with a far future would hold pages of others for ever, and long or ever
// different words more memory than many records.
func TestTheStoreIsBoundedInBytesWhateverComesIn(t *testing.T) {
	for name, record := range map[string]func(i int, r *health.Request){
		"some from the future": func(i int, r *health.Request) { r.At = r.At.AddDate(i%100/99*50, 0, 0) },
		"long messages":        func(i int, r *health.Request) { r.Message = strings.Repeat("m", 4<<10) },
		"words nobody else uses": func(i int, r *health.Request) {
			r.Error, r.Dims = fmt.Sprint("e", i), []health.Field{{Name: "user", Value: fmt.Sprint("u", i)}}
		},
		"lines that cannot be read again": func(i int, r *health.Request) {
			r.Raw = strings.Repeat("r", 8<<10)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := Store{MaxRecords: 2000, MaxBytes: 512 << 10, MaxHeavy: 2 << 20}
			for i := range 6000 {
				r := health.Request{ID: fmt.Sprint(i), Service: "chat", At: testNow.Add(time.Duration(i) * time.Millisecond)}
				record(i, &r)
				s.Add([]health.Request{r})
			}
			if s.Len() == 0 || s.bytes > s.MaxBytes || s.heavy > s.MaxHeavy+pageHeavy+8<<10 || s.written > 2*s.bytes+8*pageText+64<<10 {
				t.Errorf("%d records, %d bytes of them, %d in pages, %d heavy", s.Len(), s.bytes, s.written, s.heavy)
			}
			bytes, written, heavy, held := 0, 0, 0, 0
			for i := range s.slots {
				bytes += int(s.slots[i].size)
			}
			for _, p := range s.pages {
				if p != nil {
					written, heavy, held = written+p.bytes, heavy+p.heavyBytes(), held+p.held
				}
			}
			if bytes != s.bytes || written != s.written || heavy != s.heavy || held != s.Len() {
				t.Errorf("counted %d, %d, %d and %d records; remembered %d, %d, %d and %d", bytes, written, heavy, held, s.bytes, s.written, s.heavy, s.Len())
			}
			if _, ok := s.Find("5999"); !ok && !strings.Contains(name, "future") {
				t.Error("the newest is not found")
			}
		})
	}
}

// BenchmarkStore holds as many records as it does by default, and says what each takes.
func BenchmarkStore(b *testing.B) {
	m := newMill(1)
	var all []health.Request
	for range storeRecords {
		var r health.Request
		parser().Slim(&r, string(m.line()))
		r.Offset, r.Length = int64(m.n)*1200, 1200
		all = append(all, r)
	}
	b.ReportAllocs()
	var s Store
	for b.Loop() {
		s = Store{}
		for i := 0; i < len(all); i += 500 {
			s.Add(all[i : i+500])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(all)), "ns/record")
	b.ReportMetric(float64(s.written)/float64(len(all))+float64(cap(s.slots)*32)/float64(len(all)), "B/record")
	runtime.KeepAlive(s)
}
