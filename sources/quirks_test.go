package sources

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
)

// A server that speaks Prometheus's API in its own way, as its documentation or
// its code has it. What a path is not named for is answered with other.
type dialect struct {
	paths   map[string]string // path under /api/v1/ → body
	other   int               // status of all other paths
	words   string
	headers []string
}

func (d dialect) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for i := 0; i < len(d.headers); i += 2 {
		w.Header().Set(d.headers[i], d.headers[i+1])
	}
	_, path, _ := strings.Cut(r.URL.Path, "/api/v1/")
	if body, ok := d.paths[path]; ok {
		io.WriteString(w, body)
		return
	}
	w.WriteHeader(d.other)
	io.WriteString(w, d.words)
}

const (
	oneSeries = `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"service":"a"},"value":[1795442400,"1"]}]}}`
	noAlerts  = `{"status":"success","data":{"alerts":[]}}`
)

func TestServersThatSpeakPrometheusInTheirOwnWay(t *testing.T) {
	build := func(json string) string { return `{"status":"success","data":` + json + `}` }
	for _, c := range []struct {
		name    string
		url     string // empty: an address that says nothing
		server  dialect
		version string
		alerts  error
		warned  string // in the answer's warnings
		note    string // in Usage
	}{
		{name: "Prometheus 2.42", server: dialect{paths: map[string]string{
			"query": oneSeries, "alerts": noAlerts,
			"status/buildinfo": build(`{"version":"2.42.0","revision":"225c61122d88b01d1f0eaaee0e05b6f3e0567ac0","branch":"HEAD","buildUser":"root@c67d48967507","buildDate":"20230201-07:53:32","goVersion":"go1.19.5"}`),
		}}, version: "2.42.0"},
		{name: "Prometheus 3, which annotates", server: dialect{paths: map[string]string{
			"query":  `{"status":"success","infos":["PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"x\" (1:6)"],` + oneSeries[len(`{"status":"success",`):],
			"alerts": noAlerts, "status/buildinfo": build(`{"version":"3.16.0","revision":"a","branch":"HEAD","buildUser":"","buildDate":"","goVersion":"go1.26.1"}`),
		}}, version: "3.16.0"},
		{name: "Prometheus built without flags", server: dialect{paths: map[string]string{
			"query": oneSeries, "alerts": noAlerts, "status/buildinfo": build(`{"version":"","revision":"","branch":"","buildUser":"","buildDate":"","goVersion":"go1.26.8"}`),
		}}, version: ""},
		{name: "Thanos with a store that is away", server: dialect{paths: map[string]string{
			"query":  `{"status":"success","warnings":["fetch series for {replica=\"1\"}: rpc error: code = Unavailable desc = connection refused"],` + oneSeries[len(`{"status":"success",`):],
			"alerts": noAlerts, "status/buildinfo": build(`{"version":"0.37.2","revision":"f2d1d0a","branch":"HEAD","buildUser":"root@x","buildDate":"20241211","goVersion":"go1.23.4"}`),
		}}, version: "Thanos 0.37.2", warned: "fetch series for {replica=\"1\"}"},
		{name: "Mimir without a ruler", server: dialect{other: 404, words: "404 page not found\n", paths: map[string]string{
			"query": oneSeries, "status/buildinfo": build(`{"application":"Grafana Mimir","version":"2.14.2","revision":"95ad6e4","branch":"release-2.14","goVersion":"go1.22.5","features":{"ruler_config_api":"false","alertmanager_config_api":"true","query_sharding":"true","federated_rules":"false"}}`),
		}}, version: "Grafana Mimir 2.14.2", alerts: ErrMissing},
		{name: "Cortex", server: dialect{other: 404, words: "404 page not found\n", paths: map[string]string{"query": oneSeries}}, version: "", alerts: ErrMissing},
		{name: "VictoriaMetrics", server: dialect{headers: []string{"X-Server-Hostname", "vm-0"}, paths: map[string]string{
			"query":  `{"status":"success","isPartial":false,` + oneSeries[len(`{"status":"success",`):],
			"alerts": noAlerts, "status/buildinfo": build(`{"version":"2.24.0"}`), "label/vmrange/values": build(`[]`),
		}}, version: "VictoriaMetrics", note: "VictoriaMetrics: rates are not extrapolated"},
		{name: "VictoriaMetrics with its own histograms and half of its nodes", server: dialect{paths: map[string]string{
			"query":  `{"status":"success","isPartial":true,` + oneSeries[len(`{"status":"success",`):],
			"alerts": noAlerts, "status/buildinfo": build(`{"version":"2.24.0"}`), "label/vmrange/values": build(`["1.000e+00...1.136e+00"]`),
		}}, version: "VictoriaMetrics", warned: "some of its storage nodes did not answer", note: "prometheus_buckets()"},
		{name: "Google", url: "https://monitoring.googleapis.com/v1/projects/p/location/global/prometheus", server: dialect{
			other: 404, words: "<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>", headers: []string{"Content-Type", "text/html; charset=UTF-8"},
			paths: map[string]string{"query": oneSeries},
		}, version: "Google Managed Prometheus", alerts: ErrMissing},
		{name: "Amazon", url: "https://aps-workspaces.eu-central-1.amazonaws.com/workspaces/ws-1", server: dialect{
			other: 403, words: `{"message":"Missing Authentication Token"}`, paths: map[string]string{"query": oneSeries, "alerts": noAlerts},
		}, version: "Amazon Managed Prometheus"},
		{name: "Azure", url: "https://w-abcd.westeurope.prometheus.monitor.azure.com", server: dialect{
			other: 405, paths: map[string]string{"query": oneSeries},
		}, version: "Azure Managed Prometheus", alerts: ErrMissing},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.url == "" {
				c.url = "http://prometheus.example:9090/base"
			}
			s := mustOpen(t, "prometheus", fmt.Sprintf("url = %q", c.url))
			serverOf(s).client.Transport.(*capped).next = handled(c.server)
			a, err := s.(Metrics).Instant(t.Context(), "up", rangeEnd)
			if err != nil || len(a.Series) != 1 {
				t.Fatalf("%+v, %v", a, err)
			}
			if got := strings.Join(a.Warnings, "; "); (c.warned == "") != (got == "") || !strings.Contains(got, c.warned) {
				t.Errorf("warns %q, want %q", got, c.warned)
			}
			if v, err := s.(About).Version(t.Context()); v != c.version || err != nil && !(errors.Is(err, ErrMissing) && c.name == "Cortex") {
				t.Errorf("says it is %q, %v, want %q", v, err, c.version)
			}
			if got, err := s.(Alerts).Alerts(t.Context()); !errors.Is(err, c.alerts) || c.alerts == nil && err != nil || len(got) != 0 {
				t.Errorf("alerts %v, %v, want %v", got, err, c.alerts)
			}
			if c.alerts != nil {
				c.note += "has no alerts of its own"
			}
			if got := s.(Used).Usage().Note; (c.note == "") != (got == "") || !strings.Contains(got, c.note) {
				t.Errorf("note %q, want %q", got, c.note)
			}
			if err := questions(s)["instant"](t.Context()); err != nil {
				t.Errorf("what is missing was taken for trouble: %v", err)
			}
		})
	}
}

// handled lets a handler answer without a socket.
func handled(h http.Handler) roundTripper {
	return func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		resp := w.Result()
		resp.Request = r
		return resp, nil
	}
}

func TestWhatIsMissingSaysSo(t *testing.T) {
	s := answering(t, "prometheus", http.NotFound)
	_, err := s.(Alerts).Alerts(t.Context())
	if err == nil || err.Error() != "main: has no alerts (404)" || !errors.Is(err, ErrMissing) || errors.Is(err, ErrRefused) {
		t.Errorf("got %v", err)
	}
	s = answering(t, "prometheus", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	if _, err := s.(Alerts).Alerts(t.Context()); err == nil || errors.Is(err, ErrMissing) {
		t.Errorf("who is not let in does not know what is missing: %v", err)
	}
}

func TestWhatTheURLAsksForReachesTheServerWithEveryQuestion(t *testing.T) {
	var got []string
	s := mustOpen(t, "prometheus", `url = "http://thanos.example:10902/base?dedup=true&partial_response=true"`+"\n"+`http_headers = { X-Scope-OrgID = "team-a" }`)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		_, path, _ := strings.Cut(r.URL.Path, "/base/api/v1/")
		got = append(got, fmt.Sprint(path, " ", r.Form.Get("dedup"), " ", r.Form.Get("partial_response")))
		io.WriteString(w, nothing)
	})
	serverOf(s).client.Transport.(*capped).next = handled(handler)
	for _, what := range []string{"instant", "range", "version"} {
		_ = questions(s)[what](t.Context())
	}
	if want := []string{"query true true", "query_range true true", "status/buildinfo true true"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func many(n int, warning string) string {
	var b strings.Builder
	b.WriteString(`{"status":"success","warnings":[` + warning + `],"data":{"resultType":"vector","result":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"metric":{"service":"s%03d"},"value":[1795442400,"%d"]}`, (i*7919)%n, i)
	}
	b.WriteString(`]}}`)
	return b.String()
}

func TestAnAnswerWithTooManySeriesIsCutAndSaysSo(t *testing.T) {
	for name, c := range map[string]struct {
		body    string
		series  int
		warning string
		cut     int
	}{
		"as many as allowed":          {many(100, ""), 100, "[]", 0},
		"more, all of which came":     {many(150, ""), 100, "[50 more series left out: max_series is 100]", 50},
		"more, of which some came":    {many(101, `"`+truncated+`"`), 100, "[more series left out: max_series is 100]", 1},
		"more, and another complaint": {many(101, `"store 2 is away"`), 100, "[store 2 is away 1 more series left out: max_series is 100]", 1},
	} {
		limit := ""
		s := mustOpen(t, "prometheus", "url = \"http://prometheus.example\"\nmax_series = 100")
		serverOf(s).client.Transport.(*capped).next = handled(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			limit = r.FormValue("limit")
			io.WriteString(w, c.body)
		}))
		a, err := s.(Metrics).Instant(t.Context(), "up", rangeEnd)
		if err != nil || len(a.Series) != c.series || fmt.Sprint(a.Warnings) != c.warning || a.Cut != c.cut {
			t.Errorf("%s: %d series, %v, cut %d, %v", name, len(a.Series), a.Warnings, a.Cut, err)
		}
		if u := s.(Used).Usage(); u.Cut != c.cut || limit != "101" {
			t.Errorf("%s: %+v, asked with limit %s", name, u, limit)
		}
		for i, s := range a.Series { // always the same ones, whatever order they came in
			if c.cut > 1 && s.Labels["service"] != fmt.Sprintf("s%03d", i) {
				t.Fatalf("%s: series %d is %v", name, i, s.Labels)
			}
		}
	}
	for _, section := range []string{"max_series = 0", "max_series = -1", "max_queries_per_minute = -1", "max_queries_per_minute = 70000"} {
		if _, err := Open("prometheus", "main", decoder("url = \"http://x\"\n"+section)); err == nil || !strings.Contains(err.Error(), "is no bound; say 1 to ") {
			t.Errorf("%s: %v", section, err)
		}
	}
}

func TestManyLargeAnswersAtOnceShareTheRoom(t *testing.T) {
	r := newRoom(8)
	for i := range 8 { // everybody may have his share
		if err := r.take(r.share, 0); err != nil {
			t.Fatalf("number %d: %v", i, err)
		}
	}
	if err := r.take(1, r.share); !errors.Is(err, errTooLarge) {
		t.Errorf("more than a share of a full room: %v", err)
	}
	r.give(r.share + 1)
	if err := r.take(r.share, r.share); err != nil {
		t.Errorf("more than a share of a room with space: %v", err)
	}
	s := answering(t, "prometheus", body(many(1000, "")))
	for range 3 {
		if _, err := s.(Metrics).Instant(t.Context(), "up", time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if used := serverOf(s).client.Transport.(*capped).room.used; used != 0 {
		t.Errorf("%d bytes are still held when all is read", used)
	}
}

func TestAServerThatTakesNoPOSTIsAskedByGETFromThenOn(t *testing.T) {
	for _, code := range []int{403, 405, 501} {
		var got []string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = append(got, r.Method+" "+r.FormValue("query")+" "+r.FormValue("dedup"))
			if r.Method == http.MethodPost {
				w.WriteHeader(code)
				return
			}
			io.WriteString(w, nothing)
		}))
		s := mustOpen(t, "prometheus", fmt.Sprintf("url = %q", server.URL+"?dedup=true"))
		for range 3 {
			if _, err := s.(Metrics).Instant(t.Context(), `up{a="b c"}`, rangeEnd); err != nil {
				t.Errorf("%d: %v", code, err)
			}
		}
		want := []string{`POST up{a="b c"} true`, `GET up{a="b c"} true`, `GET up{a="b c"} true`, `GET up{a="b c"} true`}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%d: got %q, want %q", code, got, want)
		}
		server.Close()
	}
}
