package sources

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fakeLoki answers as Loki's documentation says: query_range with start included and end not, limit, direction,
// streams of [time, line] or, as newer ones do, [time, line, metadata]; plain words for what it refuses.
type fakeLoki struct {
	mu      sync.Mutex
	entries []fakeEntry
	asked   []string
	down    bool
	tenants bool // wants to know the tenant
}

type fakeEntry struct {
	at     time.Time
	labels map[string]string
	line   string
}

func (f *fakeLoki) write(at time.Time, labels, line string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := map[string]string{}
	for _, l := range strings.Fields(labels) {
		k, v, _ := strings.Cut(l, "=")
		m[k] = v
	}
	f.entries = append(f.entries, fakeEntry{at, m, line})
}

func (f *fakeLoki) fail(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
}

func (f *fakeLoki) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	q := r.URL.Query()
	f.asked = append(f.asked, r.URL.Path)
	start, _ := strconv.ParseInt(q.Get("start"), 10, 64)
	end, _ := strconv.ParseInt(q.Get("end"), 10, 64)
	limit, _ := strconv.Atoi(q.Get("limit"))
	switch {
	case f.down:
		return answer(r, 500, "too many unhealthy instances in the ring\n"), nil
	case f.tenants && r.Header.Get("X-Scope-OrgID") != "team-a":
		return answer(r, 401, "no org id\n"), nil
	case r.URL.Path == "/base/loki/api/v1/status/buildinfo":
		return answer(r, 200, `{"version":"3.7.8","revision":"x","branch":"","buildUser":"","buildDate":"","goVersion":"go1.26"}`), nil
	case r.URL.Path == "/base/loki/api/v1/query":
		n := 0
		for _, e := range f.entries {
			if e.at.Before(time.Now()) {
				n++
			}
		}
		return answer(r, 200, fmt.Sprintf(`{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"%d"]}]}}`, n)), nil
	case r.URL.Path != "/base/loki/api/v1/query_range":
		return answer(r, 404, "404 page not found\n"), nil
	case strings.Contains(q.Get("query"), "count_over_time"):
		return answer(r, 200, `{"status":"success","data":{"resultType":"matrix","result":[]}}`), nil
	case !strings.HasSuffix(q.Get("query"), "}"):
		return answer(r, 400, "parse error at line 1, col 9: syntax error: unexpected $end\n"), nil
	case limit > 5000:
		return answer(r, 400, "max entries limit per query exceeded, limit > max_entries_limit_per_query (6000 > 5000)\n"), nil
	}
	var in []fakeEntry
	for _, e := range f.entries {
		if ns := e.at.UnixNano(); ns >= start && ns < end {
			in = append(in, e)
		}
	}
	slices.SortStableFunc(in, func(a, b fakeEntry) int { return a.at.Compare(b.at) })
	if q.Get("direction") == "backward" {
		slices.Reverse(in)
	}
	in = in[:min(len(in), limit)]
	type stream struct {
		Stream map[string]string `json:"stream"`
		Values [][]any           `json:"values"`
	}
	var out []*stream
	by := map[string]*stream{}
	for _, e := range in {
		key := fmt.Sprint(e.labels)
		if by[key] == nil {
			by[key] = &stream{Stream: e.labels}
			out = append(out, by[key])
		}
		v := []any{strconv.FormatInt(e.at.UnixNano(), 10), e.line}
		if e.labels["app"] == "new" {
			v = append(v, map[string]any{"structuredMetadata": map[string]string{"trace_id": "t"}})
		}
		by[key].Values = append(by[key].Values, v)
	}
	body, _ := json.Marshal(map[string]any{"status": "success", "data": map[string]any{"resultType": "streams", "result": out, "stats": map[string]any{}}})
	return answer(r, 200, string(body)), nil
}

func openFakeLoki(t *testing.T, f *fakeLoki, more string) *loki {
	s := mustOpen(t, "loki", "url = \"http://loki.example:3100/base\"\ntenant = \"team-a\"\n"+more).(*loki)
	s.client.Transport.(*capped).next = f
	return s
}

func TestLokiIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeLoki{}
		old := time.Now().Add(-30 * time.Minute)
		f.write(old.Add(-time.Hour), "app=chat", `{"message":"too old"}`)
		for i := range 12_000 { // three answers
			f.write(old.Add(time.Duration(i)*time.Millisecond), "app=chat region=eu", fmt.Sprintf(`{"message":"m","request_id":"r%d"}`, i))
		}
		l := openFakeLoki(t, f, "")
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		var mu sync.Mutex
		var got gathered
		var errs []string
		go func() {
			ended <- l.Follow(ctx, func(b Batch) {
				mu.Lock()
				defer mu.Unlock()
				if b.Err != nil {
					errs = append(errs, b.Err.Error())
				}
				got.add(b)
			})
		}()
		time.Sleep(time.Second)
		synctest.Wait()
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		ids := map[string]int{}
		for _, r := range got.records {
			ids[r.ID]++
		}
		if len(ids) != 12_000 || !got.caught || got.records[0].ID != "r0" || got.records[11_999].ID != "r11999" {
			t.Errorf("%d records, %d different ones, caught up %v", len(got.records), len(ids), got.caught)
		}
		if r := got.records[0]; r.Service != "chat" || fmt.Sprint(r.Dims) != "[{region eu}]" || r.Origin != `{app="chat", region="eu"}` || !r.At.Equal(old.Truncate(0)) {
			t.Errorf("%+v", r)
		}

		got = gathered{}
		now := time.Now()
		f.write(now, "app=new level=error", "it broke")
		f.write(now, "app=new level=error", "  and more")
		time.Sleep(5 * time.Second)
		f.write(time.Now(), "app=chat", `{"message":"second"}`)
		f.write(now.Add(-3*time.Second), "app=chat", `{"message":"late"}`)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if got.messages() != "it broke|  and more ; late ; second" {
			t.Errorf("got %s", got.messages())
		}
		if r := got.records[0]; !r.Failed || r.Level != "error" || r.Group == "" || r.Service != "new" {
			t.Errorf("%+v", r)
		}

		f.fail(true)
		mu.Lock()
		got, errs = gathered{}, nil
		mu.Unlock()
		time.Sleep(2 * time.Minute)
		f.write(time.Now().Add(-time.Minute), "app=chat", `{"message":"meanwhile"}`)
		f.fail(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(errs) < 3 || len(errs) > 12 || !strings.Contains(errs[0], "too many unhealthy instances") || got.messages() != "meanwhile" {
			t.Errorf("%d errors, %q; %s", len(errs), errs, got.messages())
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestLokiIsAskedAboutThePast(t *testing.T) {
	f := &fakeLoki{}
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for i := range 7000 {
		f.write(noon.Add(time.Duration(i)*time.Second), "app=chat", fmt.Sprintf(`{"message":"m%d"}`, i))
	}
	l := openFakeLoki(t, f, "")
	var got gathered
	must(t, l.Past(t.Context(), noon, noon.Add(6000*time.Second), got.add))
	if n := len(got.records); n != 6000 || got.records[0].Message != "m1" || got.records[n-1].Message != "m6000" {
		t.Errorf("%d records", n)
	}
	if v, err := l.Version(t.Context()); v != "3.7.8" || err != nil {
		t.Errorf("%q, %v", v, err)
	}
}

func TestTooMuchForLokiIsSkippedAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeLoki{}
		l := openFakeLoki(t, f, `history = "1s"`)
		ctx, cancel := context.WithCancel(t.Context())
		var got gathered
		notes := ""
		ended := make(chan error, 1)
		go func() {
			ended <- l.Follow(ctx, func(b Batch) {
				got.add(b)
				notes += b.Note
			})
		}()
		time.Sleep(time.Second)
		synctest.Wait()
		f.fail(true)
		time.Sleep(10 * time.Minute)
		for i := range 40_000 {
			f.write(time.Now().Add(-10*time.Minute+time.Duration(i)*15*time.Millisecond), "app=chat", fmt.Sprintf(`{"message":"m","request_id":"r%d"}`, i))
		}
		f.fail(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		last := got.records[len(got.records)-1].ID
		if last != "r39999" || len(got.records) < 20_000 || len(got.records) > 35_000 || got.dropped == 0 || !strings.Contains(notes, "were skipped") {
			t.Errorf("%d records to %s, %d dropped, %q", len(got.records), last, got.dropped, notes)
		}
		cancel()
		<-ended
	})
}

func TestWhatLokiRefusesIsSaid(t *testing.T) {
	for section, want := range map[string]string{
		`query = '{app="chat"'`:                 "main: parse error at line 1",
		`query = 'sum(rate({app="chat"}[1m]))'`: `query: "sum(rate({app=\"chat\"}[1m]))" does not begin with a selector`,
		`tenant = "${SICKBAY_NO_SUCH}"`:         "tenant: the environment variable SICKBAY_NO_SUCH is not set",
	} {
		s, err := Open("loki", "main", decoder("url = \"http://loki.example:3100/base\"\n"+section))
		if err == nil {
			l := s.(*loki)
			l.client.Transport.(*capped).next = &fakeLoki{}
			_, err = l.lines(t.Context(), 0, 1, false)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", section, err, want)
		}
	}
}

func TestATenantIsSentToLoki(t *testing.T) {
	f := &fakeLoki{tenants: true}
	f.write(time.Unix(100, 0), "app=chat", "hello")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resp, _ := f.RoundTrip(r)
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	}))
	defer server.Close()
	for tenant, want := range map[string]string{"team-a": "", "team-b": "main: 401 unauthorized (no org id)"} {
		l := mustOpen(t, "loki", fmt.Sprintf("url = %q\ntenant = %q", server.URL+"/base", tenant)).(*loki)
		all, err := l.lines(t.Context(), 0, 200e9, false)
		if want == "" && (err != nil || len(all) != 1) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %d lines, %v", tenant, len(all), err)
		}
	}
}
