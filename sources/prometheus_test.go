package sources

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sickbay/health"
)

// body answers every question with one JSON text.
func body(json string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, json) }
}

var (
	rangeStart = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	rangeEnd   = rangeStart.Add(time.Minute)
)

func TestHolesStayHolesAndNaNStaysNaN(t *testing.T) {
	s := answering(t, "prometheus", body(`{"status":"success","warnings":["store gateway 2 is away"],"data":{"resultType":"matrix","result":[
		{"metric":{"service":"a"},"values":[[1795442400,"1"],[1795442415,"NaN"],[1795442445,"+Inf"]]},{"metric":{},"values":[]}]}}`))
	a, err := s.(Metrics).Range(t.Context(), "up", rangeStart, rangeEnd, 15*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a.Warnings, []string{"store gateway 2 is away"}) || len(a.Series) != 2 || a.Series[0].Labels["service"] != "a" {
		t.Errorf("%+v", a)
	}
	p := a.Series[0].Points
	if len(p) != 3 || p[0] != (health.Point{T: 1795442400000, V: 1}) || !math.IsNaN(p[1].V) || p[2].T != 1795442445000 || !math.IsInf(p[2].V, 1) {
		t.Errorf("points %v", p)
	}
}

// spelled is what an answer says.
func spelled(all []Series) string {
	words := make([]string, len(all))
	for i, s := range all {
		words[i] = fmt.Sprintf("{%v %v %v}", s.Labels, s.Points, s.Histograms)
	}
	return fmt.Sprint(words)
}

func TestAnInstantIsOnePointOfEverySeries(t *testing.T) {
	for name, c := range map[string]struct{ data, want string }{
		"a vector": {`{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1795442400.5,"2"]}]}`, `[{map[a:b] [{1795442400500 2}] []}]`},
		"a scalar": {`{"resultType":"scalar","result":[1795442400,"3"]}`, `[{map[] [{1795442400000 3}] []}]`},
		"nothing":  {`{"resultType":"vector","result":[]}`, `[]`},
		"a native histogram": {`{"resultType":"vector","result":[{"metric":{"a":"b"},"histogram":[1795442400,{"count":"440","sum":"799.5","buckets":[
			[1,"-1","-0.5","40"],[3,"-0.001","0.001","160.5"],[0,"1","+Inf","239.5"]]}]}]}`, `[{map[a:b] [] [{1795442400000 440 799.5 [{-1 -0.5 40} {-0.001 0.001 160.5} {1 +Inf 239.5}]}]}]`},
		"an empty one": {`{"resultType":"vector","result":[{"metric":{},"histogram":[1795442400,{"count":"0","sum":"0"}]}]}`, `[{map[] [] [{1795442400000 0 0 []}]}]`},
	} {
		s := answering(t, "prometheus", body(`{"status":"success","data":`+c.data+`}`))
		a, err := s.(Metrics).Instant(t.Context(), "up", rangeEnd)
		if got := spelled(a.Series); got != c.want || err != nil {
			t.Errorf("%s: %s, %v, want %s", name, got, err, c.want)
		}
	}
}

func TestASeriesMayTurnFromNumbersIntoHistograms(t *testing.T) {
	s := answering(t, "prometheus", body(`{"status":"success","infos":["mixed"],"data":{"resultType":"matrix","result":[
		{"metric":{"service":"a"},"values":[[1795442400,"1"]],"histograms":[[1795442415,{"count":"3","sum":"6","buckets":[[0,"1","2","3"]]}],[1795442430,{"count":"4","sum":"8","buckets":[[0,"1","2","4"]]}]]}]}}`))
	a, err := s.(Metrics).Range(t.Context(), "up", rangeStart, rangeEnd, 15*time.Second)
	if got, want := spelled(a.Series), `[{map[service:a] [{1795442400000 1}] [{1795442415000 3 6 [{1 2 3}]} {1795442430000 4 8 [{1 2 4}]}]}]`; got != want || err != nil {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
}

func TestTheQuestionIsAskedAsPrometheusWantsIt(t *testing.T) {
	var got []string
	s := answering(t, "prometheus", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && len(got) == 0 {
			got = append(got, "POST "+r.URL.Path)
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		_ = r.ParseForm()
		got = append(got, fmt.Sprintf("%s %s query=%s start=%s end=%s step=%s timeout=%s", r.Method, r.URL.Path, r.Form.Get("query"), r.Form.Get("start"), r.Form.Get("end"), r.Form.Get("step"), r.Form.Get("timeout")))
		io.WriteString(w, `{"status":"success","data":{"resultType":"matrix","result":[]}}`)
	})
	if _, err := s.(Metrics).Range(t.Context(), `up{a="b"}`, rangeStart, rangeEnd, 15*time.Second); err != nil {
		t.Fatal(err)
	}
	want := []string{"POST /base/api/v1/query_range", `GET /base/api/v1/query_range query=up{a="b"} start=1795442400 end=1795442460 step=15 timeout=10s`}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestAnErrorBeginsWithTheServersWords(t *testing.T) {
	for code, want := range map[int]string{
		400: `main: bad_data: parse error at char 12`,
		422: `main: bad_data: parse error at char 12`,
		500: `main: 500 internal server error (bad_data: parse error at char 12): its own log says more`,
		503: `main: 503 service unavailable (bad_data: parse error at char 12): it is overloaded, or starts`,
	} {
		s := answering(t, "prometheus", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			io.WriteString(w, `{"status":"error","errorType":"bad_data","error":"parse error at char 12"}`)
		})
		_, err := s.(Metrics).Instant(t.Context(), "up{", rangeEnd)
		if err == nil || err.Error() != want {
			t.Errorf("%d: got %v, want %s", code, err, want)
		}
	}
	s := answering(t, "prometheus", body("<html>"))
	if _, err := s.(Metrics).Instant(t.Context(), "up", rangeEnd); err == nil || !strings.HasSuffix(err.Error(), "is this URL a Prometheus API?") {
		t.Errorf("got %v", err)
	}
}

func TestBytesOnTheWireAndTheServersClockAreNoted(t *testing.T) {
	json := `{"status":"success","data":{"resultType":"vector","result":[` + strings.Repeat(" ", 10_000) + `]}}`
	asked := ""
	s := answering(t, "prometheus", func(w http.ResponseWriter, r *http.Request) {
		asked = r.Header.Get("Accept-Encoding")
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Date", time.Now().Add(-time.Minute).UTC().Format(http.TimeFormat))
		gz := gzip.NewWriter(w)
		io.WriteString(gz, json)
		gz.Close()
	})
	a, err := s.(Metrics).Instant(t.Context(), "up", rangeEnd)
	if err != nil || asked != "gzip" {
		t.Fatal(asked, err)
	}
	if a.Bytes == 0 || a.Bytes > 1000 {
		t.Errorf("%d bytes came packed", a.Bytes)
	}
	if a.Skew < -62*time.Second || a.Skew > -58*time.Second {
		t.Errorf("skew %v, want about -1m", a.Skew)
	}
}

func TestAlertsCarryWhatAnOperatorLooksFor(t *testing.T) {
	s := answering(t, "prometheus", body(`{"status":"success","data":{"alerts":[{"activeAt":"2026-11-23T13:50:00Z","annotations":{"summary":"answers are bad","description":"longer"},
		"labels":{"alertname":"QualityLow","service":"support-chat","severity":"page","team":"ai"},"state":"firing","value":"6.1e-01"},
		{"labels":{"alertname":"Odd"},"annotations":{},"state":"pending","activeAt":"2026-11-23T13:55:00Z","value":"NaN"}]}}`))
	got, err := s.(Alerts).Alerts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []health.Alert{
		{Name: "QualityLow", Service: "support-chat", Severity: "page", State: "firing", Since: time.Date(2026, 11, 23, 13, 50, 0, 0, time.UTC), Text: "answers are bad",
			Value: health.Num(0.61), Source: "main", Labels: []health.Field{{Name: "service", Value: "support-chat"}, {Name: "severity", Value: "page"}, {Name: "team", Value: "ai"}}},
		{Name: "Odd", State: "pending", Since: time.Date(2026, 11, 23, 13, 55, 0, 0, time.UTC), Source: "main"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestAnAlertSaysWhatItsRuleAsksFor: the rules are read when an alert is new, seldom.
func TestAnAlertSaysWhatItsRuleAsksFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, alert := 0, "QualityLow"
		s := answering(t, "prometheus", func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/api/v1/alerts") {
				fmt.Fprintf(w, `{"status":"success","data":{"alerts":[{"labels":{"alertname":%q,"service":"chat","severity":"page","tier":"1"},"annotations":{},"state":"firing","activeAt":"2026-11-23T13:55:00Z","value":"1"}]}}`, alert)
				return
			}
			asked++
			io.WriteString(w, `{"status":"success","data":{"groups":[{"name":"g","file":"f","interval":60,"rules":[`+
				`{"name":"QualityLow","query":"quality < 0.9","duration":60,"labels":{"severity":"ticket"},"alerts":[],"health":"ok","type":"alerting"},`+
				`{"name":"QualityLow","query":"quality < 0.7","duration":60,"labels":{"severity":"page","tier":"{{ $labels.t }}"},"alerts":[],"health":"ok","type":"alerting"}]}]}}`)
		})
		look := func(wantExpr string, wantAsked int) {
			t.Helper()
			got, err := s.(Alerts).Alerts(t.Context())
			if err != nil || len(got) != 1 || got[0].Expr != wantExpr || asked != wantAsked {
				t.Errorf("%+v, %v; asked %d times for rules, want %q and %d", got, err, asked, wantExpr, wantAsked)
			}
		}
		look("quality < 0.7", 1)
		time.Sleep(time.Hour)
		look("quality < 0.7", 1)
		alert = "Unheard"
		look("", 2)
		look("", 2)
	})
}

func TestAServerWithoutAlertsOrBuildIsNotBroken(t *testing.T) {
	s := answering(t, "prometheus", http.NotFound)
	if a, err := s.(Alerts).Alerts(t.Context()); !errors.Is(err, ErrMissing) || a != nil {
		t.Errorf("%v, %v", a, err)
	}
	if v, err := s.(About).Version(t.Context()); !errors.Is(err, ErrMissing) || v != "" {
		t.Errorf("%q, %v", v, err)
	}
	s = answering(t, "prometheus", body(`{"status":"success","data":{"version":"3.5.0"}}`))
	if v, err := s.(About).Version(t.Context()); err != nil || v != "3.5.0" {
		t.Errorf("%q, %v", v, err)
	}
}
