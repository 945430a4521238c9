package pane

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"sickbay/health"
)

// wardTraces is the trace of the refused request.
func wardTraces() map[string]health.Trace {
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	t := story(
		piece{0, "gateway", "POST /v1/chat", 0, 1420, health.TraceSpan{}},
		piece{1, "support-chat", "chat support-chat", 3, 1414, health.TraceSpan{}},
		piece{2, "support-chat", "embeddings", 8, 60, health.TraceSpan{Kind: health.SpanModel, Operation: "embeddings", Model: "text-embedding-3-large", TokensIn: health.Num(12)}},
		piece{2, "vector-db", "search returns", 70, 22, health.TraceSpan{Kind: health.SpanRetrieval, Documents: health.Num(2)}},
		piece{2, "support-chat", "log features", 30, 300, health.TraceSpan{}},
		piece{2, "support-chat", "chat gpt-4o", 95, 1290, health.TraceSpan{Kind: health.SpanModel, Operation: "chat", Model: "gpt-4o-2024-11-20", TokensIn: health.Num(1204), TokensOut: health.Num(18), TTFT: health.Num(0.51), Finish: "content_filter"}},
		piece{2, "support-chat", "check policy", 1388, 25, health.TraceSpan{Error: "policy: 14.2 matched"}},
	)
	t.ID, t.Source = id, "traces"
	return map[string]health.Trace{id: t}
}

// A piece stands so deep, belongs to a service, and begins and lasts in milliseconds.
type piece struct {
	depth         int
	service, name string
	from, lasts   int
	more          health.TraceSpan
}

// story makes a trace of spans, each called by the last one before it that stands
// less deep.
func story(spans ...piece) health.Trace {
	t := health.Trace{State: health.TraceFound}
	var callers []string
	for i, s := range spans {
		v := s.more
		v.ID, v.Name, v.Service = fmt.Sprintf("s%d", i), s.name, s.service
		v.Start, v.Duration = now.Add(time.Duration(s.from)*time.Millisecond), time.Duration(s.lasts)*time.Millisecond
		if v.Kind == "" {
			v.Kind = health.SpanOther
		}
		callers = append(callers[:s.depth], v.ID)
		if s.depth > 0 {
			v.Parent = callers[s.depth-1]
		}
		t.Spans = append(t.Spans, v)
	}
	t.Spans = health.Arrange(t.Spans)
	return t
}

// spoiledTraces are traces with nothing good left in them that can still be found.
func spoiledTraces(p *poison, traces map[string]health.Trace, requests map[string]health.Request) map[string]health.Trace {
	out := map[string]health.Trace{}
	for _, id := range []string{"req-8812", "req-8801", "req-7000"} {
		for _, t := range traces {
			t.Spans = append([]health.TraceSpan(nil), t.Spans...)
			p.spoil(reflect.ValueOf(&t).Elem())
			t.State = health.TraceFound
			out[requests[id].Trace] = t
		}
	}
	return out
}

// fell is a waterfall as text.
func fell(t *testing.T, tr health.Trace, w int) string {
	t.Helper()
	in := scene(t, "trace")
	tr.State = health.TraceFound
	in.Snap.Traces = map[string]health.Trace{in.Snap.Requests["req-8812"].Trace: tr}
	k, _ := Get("trace")
	var b strings.Builder
	for _, r := range k.Draw(in, w, k.Lines(in, w)) {
		b.WriteString(strings.TrimRight(ansi.Strip(r), " ") + "\n")
	}
	return b.String()
}

func tool(name, arguments, err string) health.TraceSpan {
	return health.TraceSpan{Kind: health.SpanTool, Tool: name, Operation: "execute_tool", Arguments: arguments, Error: err}
}

func TestWhatDecidedIsDrawnHeavily(t *testing.T) {
	for _, c := range []struct {
		name string
		t    health.Trace
		want string // decided: name of each span and its own milliseconds
	}{
		{"one after the other", story(piece{0, "a", "root", 0, 100, health.TraceSpan{}}, piece{1, "a", "x", 10, 40, health.TraceSpan{}}, piece{1, "a", "y", 50, 45, health.TraceSpan{}}),
			"root 15, x 40, y 45"},
		{"beside each other", story(piece{0, "a", "root", 0, 100, health.TraceSpan{}}, piece{1, "a", "slow", 0, 100, health.TraceSpan{}}, piece{1, "a", "fast", 10, 30, health.TraceSpan{}}),
			"slow 100"},
		{"overlapping", story(piece{0, "a", "root", 0, 100, health.TraceSpan{}}, piece{1, "a", "x", 0, 60, health.TraceSpan{}}, piece{1, "a", "y", 40, 60, health.TraceSpan{}}),
			"x 40, y 60"},
		{"ends after its caller", story(piece{0, "a", "root", 0, 50, health.TraceSpan{}}, piece{1, "a", "late", 20, 80, health.TraceSpan{}}), "late 30, root 20"},
		{"begins before its caller", story(piece{0, "a", "root", 50, 50, health.TraceSpan{}}, piece{1, "a", "early", 0, 100, health.TraceSpan{}}), "early 50"},
		{"two that nobody calls", story(piece{0, "a", "x", 0, 30, health.TraceSpan{}}, piece{0, "a", "y", 60, 40, health.TraceSpan{}}), "x 30, y 40"},
		{"nothing takes time", story(piece{0, "a", "x", 0, 0, health.TraceSpan{}}), ""},
	} {
		m := newWaterfall(&c.t)
		own := map[string]time.Duration{}
		for _, r := range m.rows {
			for _, s := range r.deep {
				own[c.t.Spans[r.spans[0]].Name] += s.to - s.from
			}
		}
		var got []string
		for _, name := range []string{"early", "fast", "late", "root", "slow", "x", "y"} {
			if own[name] > 0 {
				got = append(got, fmt.Sprintf("%s %d", name, own[name].Milliseconds()))
			}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
	}
}

func TestLoopsAreFolded(t *testing.T) {
	loop := []piece{{0, "agent", "invoke_agent triage", 0, 9000, health.TraceSpan{Kind: health.SpanAgent}}}
	for i := range 14 {
		loop = append(loop, piece{1, "agent", "chat m", 600 * i, 300, health.TraceSpan{Kind: health.SpanModel, Operation: "chat", Model: "m"}},
			piece{1, "agent", "execute_tool search", 600*i + 300, 300, tool("search_flights", `{"to":"LIS"}`, strings.Repeat("429", i%2))})
	}
	text := fell(t, story(loop...), 120)
	for _, want := range []string{"chat m → search_flights x14", "same arguments", "7 failed: 429", "of the time: "} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if n := strings.Count(text, "search_flights"); n != 1 {
		t.Errorf("search_flights is there %d times, want once\n%s", n, text)
	}

	pages := []piece{{0, "agent", "invoke_agent", 0, 2000, health.TraceSpan{}}}
	for i := range 5 {
		pages = append(pages, piece{1, "agent", "t", 100 * i, 100, tool("list", fmt.Sprintf(`{"page":%d}`, i), "")})
	}
	if text := fell(t, story(pages...), 120); !strings.Contains(text, "list x5") || !strings.Contains(text, "other arguments each time") {
		t.Errorf("pages:\n%s", text)
	}
}

func TestWhatRepeatsIsFoundInAnyOrder(t *testing.T) {
	for text, want := range map[string]string{
		"":            "",
		"a":           "0:1x1",
		"abc":         "0:1x1 1:1x1 2:1x1",
		"aab":         "0:1x2 2:1x1",
		"xababab":     "0:1x1 1:2x3",
		"abab":        "0:1x1 1:1x1 2:1x1 3:1x1",
		"abcabcabcz":  "0:3x3 9:1x1",
		"aaaabaaaab":  "0:1x4 4:1x1 5:1x4 9:1x1",
		"abababcdcdc": "0:2x3 6:1x1 7:1x1 8:1x1 9:1x1 10:1x1",
	} {
		var got []string
		for _, f := range foldRuns(len(text), func(i, j int) bool { return text[i] == text[j] }) {
			got = append(got, fmt.Sprintf("%d:%dx%d", f.at, f.period, f.times))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s, want %s", text, strings.Join(got, " "), want)
		}
	}
}

func TestACircleOfToolCallsIsOneRound(t *testing.T) {
	in := scene(t, "request")
	q := in.Snap.Requests["req-7000"]
	q.Tools = nil
	for range 5 {
		q.Tools = append(q.Tools, health.ToolCall{Name: "search", Arguments: "1", Duration: health.Num(1)}, health.ToolCall{Name: "open", Arguments: "2", Duration: health.Num(1)})
	}
	q.Signs = []health.Sign{{Kind: "cycle", Text: "search → open → search, 5 rounds, same arguments"}}
	in.Snap.Requests["req-7000"] = q
	in.View.Request, in.View.Content = "req-7000", "full"
	text := drawn(t, "request", in, 100, 80)
	for _, want := range []string{"TOOL CALLS  10", "search → open → search  5 rounds, same arguments  10 s", "peculiar"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

func TestATraceThatIsNotThereSaysWhy(t *testing.T) {
	in := scene(t, "request")
	id := in.Snap.Requests["req-8812"].Trace
	for _, pane := range []string{"request", "trace"} {
		for _, tr := range []health.Trace{
			{State: health.TraceAsking, Note: "asking jaeger for it…"},
			{State: health.TraceMissing, Note: "not found in jaeger"},
			{State: health.TraceFailed, Note: "jaeger: 503 service unavailable"},
		} {
			in.Snap.Traces = map[string]health.Trace{id: tr}
			if text := drawn(t, pane, in, 100, 30); !strings.Contains(text, tr.Note) {
				t.Errorf("%s, %s: not said in\n%s", pane, tr.State, text)
			}
		}
	}
	in.Snap.Traces = nil
	in.View.Request = "req-7000"
	if text := drawn(t, "trace", in, 100, 30); !strings.Contains(text, "its record names no trace") || !strings.Contains(text, "search_flights x14") || !strings.Contains(text, "laid end to end") {
		t.Errorf("the steps of the log:\n%s", text)
	}
}

func TestTheTimeAxisHasRoundTimes(t *testing.T) {
	for _, c := range []struct {
		lasts time.Duration
		w     int
		want  string
	}{
		{7200 * time.Millisecond, 40, "0          2 s        4 s        6 s"},
		{100 * time.Millisecond, 30, "0              50 ms"},
		{time.Hour, 60, ""},
		{time.Microsecond, 30, ""},
		{time.Second, 1, "0"},
	} {
		got := axis(c.lasts, c.w)
		if width(got) > c.w || c.want != "" && got != c.want || !strings.HasPrefix(got, "0") {
			t.Errorf("%v in %d cells: %q, want %q", c.lasts, c.w, got, c.want)
		}
	}
}

func TestSpansThatCallEachOtherInACircleAreAllDrawn(t *testing.T) {
	tr := health.Trace{State: health.TraceFound}
	for i := range 2000 { // a chain whose end calls its beginning, and one that calls itself
		tr.Spans = append(tr.Spans, health.TraceSpan{ID: fmt.Sprint(i), Parent: fmt.Sprint((i + 1) % 2000), Name: "x" + fmt.Sprint(i%7), Start: now, Duration: time.Second})
	}
	tr.Spans = append(tr.Spans, health.TraceSpan{ID: "me", Parent: "me", Name: "me", Start: now})
	seen := 0
	for _, r := range newWaterfall(&tr).rows {
		seen += len(r.spans)
	}
	if seen != 2001 {
		t.Errorf("%d of 2001 spans are drawn", seen)
	}
}

func BenchmarkWaterfall(b *testing.B) {
	var spans []piece
	for i := range 2000 {
		spans = append(spans, piece{min(i, 1+i%3), "s", fmt.Sprint("x", i%5), i, 10, health.TraceSpan{}})
	}
	t := story(spans...)
	b.ReportAllocs()
	for b.Loop() {
		newWaterfall(&t)
	}
}
