package prom

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// ask sends a GET and gives status and body.
func ask(h http.Handler, path string) (int, string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, strings.ReplaceAll(path, " ", "%20"), nil))
	return w.Code, w.Body.String()
}

// apiFixture is a small server at 10:00:00 UTC, 1970-01-01: up{job="a"} is 1
// and up{job="b"} is 0 since 9:00, old{} ended at 8:00, n_total rises by 1/s.
func apiFixture(t testing.TB) *Server {
	s := NewStore(0)
	s.SetMeta("up", "gauge", "Whether <it> answers.", "")
	s.SetMeta("n_total", "counter", "All of them.", "")
	add := func(from, to int64, f func(t int64) float64, pairs ...string) {
		ls := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			ls[pairs[i]] = pairs[i+1]
		}
		r := s.Series(ls)
		for at := from; at <= to; at += 15 {
			if err := s.Append(r, at*1000, f(at)); err != nil {
				t.Fatal(err)
			}
		}
	}
	add(9*3600, 10*3600, func(int64) float64 { return 1 }, "__name__", "up", "job", "a")
	add(9*3600, 10*3600, func(int64) float64 { return 0 }, "__name__", "up", "job", `b"<`)
	add(9*3600, 10*3600, func(at int64) float64 { return float64(at) }, "__name__", "n_total", "pod", "p1")
	add(7*3600, 8*3600, func(int64) float64 { return 0.0000001 }, "__name__", "old", "zone", "x")
	rules, err := NewRules(s, []Rule{{
		Name: "Down", Expr: "up == 0", For: 5 * time.Minute,
		Labels:      map[string]string{"severity": "page"},
		Annotations: map[string]string{"summary": "{{ $labels.job }} is {{ $value }}"},
	}, {Name: "Never", Expr: "up > 1"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := rules.Backfill(time.Unix(9*3600+3000, 0), time.Unix(10*3600, 0), time.Minute); err != nil {
		t.Fatal(err)
	}
	server := NewServer(s, rules, func() time.Time { return time.Unix(10*3600, 0) })
	server.SetReady(true)
	return server
}

const downLabels = `{"alertname":"Down","job":"b\"\u003c","severity":"page"}`

func TestEveryEndpointAnswersAsPrometheusDoes(t *testing.T) {
	server := apiFixture(t)
	for _, c := range []struct{ path, want string }{
		{`/api/v1/query?query=up{job="a"}`, `{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a"},"value":[36000,"1"]}]}`},
		{`/api/v1/query?query=up{job="a"}&time=35000.5`, `{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a"},"value":[35000.500,"1"]}]}`},
		{`/api/v1/query?query=up{job="a"}&time=1970-01-01T09:30:00Z`, `{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a"},"value":[34200,"1"]}]}`},
		{`/api/v1/query?query=up&time=1000`, `{"resultType":"vector","result":[]}`},
		{`/api/v1/query?query=1/0`, `{"resultType":"scalar","result":[36000,"+Inf"]}`},
		{`/api/v1/query?query="a<b"`, `{"resultType":"string","result":[36000,"a\u003cb"]}`},
		{`/api/v1/query?query=old&time=25200`, `{"resultType":"vector","result":[{"metric":{"__name__":"old","zone":"x"},"value":[25200,"1e-07"]}]}`},
		{`/api/v1/query?query=n_total[30s]`, `{"resultType":"matrix","result":[{"metric":{"__name__":"n_total","pod":"p1"},"values":[[35985,"35985"],[36000,"36000"]]}]}`},
		{`/api/v1/query?query=up&limit=1`, `{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a"},"value":[36000,"1"]}]},"warnings":["results truncated due to limit"]`},
		{`/api/v1/query?query=n_total&time=36200&lookback_delta=1m`, `{"resultType":"vector","result":[]}`},
		{`/api/v1/query?query=rate(up{job="a"}[1m])&timeout=10s`, `{"resultType":"vector","result":[{"metric":{"job":"a"},"value":[36000,"0"]}]},"infos":["PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"up\" (1:6)"]`},
		{`/api/v1/query_range?query=n_total-(n_total offset 1m)&start=35880&end=36000&step=1m`, `{"resultType":"matrix","result":[{"metric":{"pod":"p1"},"values":[[35880,"60"],[35940,"60"],[36000,"60"]]}]}`},
		{`/api/v1/query_range?query=up{job="a"}&start=35999&end=36000&step=0.5`, `{"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"a"},"values":[[35999,"1"],[35999.500,"1"],[36000,"1"]]}]}`},
		{`/api/v1/query_range?query=nothing&start=0&end=11000&step=1`, `{"resultType":"matrix","result":[]}`},
		{`/api/v1/query_range?query=up&start=36000&end=36000&step=1d&limit=1`, `{"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"a"},"values":[[36000,"1"]]}]},"warnings":["results truncated due to limit"]`},
		{`/api/v1/series?match[]=up`, `[{"__name__":"up","job":"a"},{"__name__":"up","job":"b\"\u003c"}]`},
		{`/api/v1/series?match[]=up&match[]={job="a"}&limit=1`, `[{"__name__":"up","job":"a"}],"warnings":["results truncated due to limit"]`},
		{`/api/v1/series?match[]=old`, `[{"__name__":"old","zone":"x"}]`},
		{`/api/v1/series?match[]=old&start=30000`, `[]`},
		{`/api/v1/labels?match[]=up`, `["__name__","job"]`},
		{`/api/v1/labels?match[]=up&match[]=old`, `["__name__","job","zone"]`},
		{`/api/v1/labels?end=1970-01-01T08:30:00Z`, `["__name__","zone"]`},
		{`/api/v1/labels?limit=2`, `["__name__","alertname"],"warnings":["results truncated due to limit"]`},
		{`/api/v1/label/job/values`, `["a","b\"\u003c"]`},
		{`/api/v1/label/job/values?match[]=n_total`, `[]`},
		{`/api/v1/label/__name__/values?start=7000&end=28900`, `["old"]`},
		{`/api/v1/label/job/values?limit=1`, `["a"],"warnings":["results truncated due to limit"]`},
		{`/api/v1/label/U__jo_62_/values?limit=0`, `["a","b\"\u003c"]`},
		{`/api/v1/metadata`, `{"n_total":[{"type":"counter","help":"All of them.","unit":""}],"up":[{"type":"gauge","help":"Whether \u003cit\u003e answers.","unit":""}]}`},
		{`/api/v1/metadata?metric=up`, `{"up":[{"type":"gauge","help":"Whether \u003cit\u003e answers.","unit":""}]}`},
		{`/api/v1/metadata?limit=1&limit_per_metric=1`, `{"n_total":[{"type":"counter","help":"All of them.","unit":""}]}`},
		{`/api/v1/alerts`, `{"alerts":[{"labels":` + downLabels + `,"annotations":{"summary":"b\"\u003c is 0"},"state":"firing","activeAt":"1970-01-01T09:50:00Z","value":"0e+00"}]}`},
		{`/api/v1/rules?type=record`, `{"groups":[]}`},
		{`/api/v1/rules?rule_group[]=other`, `{"groups":[]}`},
	} {
		code, body := ask(server, c.path)
		if want := `{"status":"success","data":` + c.want + `}`; code != http.StatusOK || body != want {
			t.Errorf("%s\ngot  %d %s\nwant 200 %s", c.path, code, body, want)
		}
	}
}

func TestRulesEndpointTellsAll(t *testing.T) {
	server := apiFixture(t)
	for path, names := range map[string]string{
		`/api/v1/rules`:                                    "Down firing 1 ok alerting 300, Never inactive 0 ok alerting 0",
		`/api/v1/rules?type=alert`:                         "Down firing 1 ok alerting 300, Never inactive 0 ok alerting 0",
		`/api/v1/rules?rule_name[]=Never`:                  "Never inactive 0 ok alerting 0",
		`/api/v1/rules?exclude_alerts=true&rule_name[]=Do`: "",
		`/api/v1/rules?exclude_alerts=1&rule_name[]=Down`:  "Down firing 0 ok alerting 300",
	} {
		code, body := ask(server, path)
		var got struct{ Data rulesJSON }
		if err := json.Unmarshal([]byte(body), &got); err != nil || code != 200 {
			t.Fatalf("%s: %d %v", path, code, err)
		}
		var list []string
		for _, g := range got.Data.Groups {
			if g.Interval != 60 || g.Name != "sickbay-demo" || g.LastEvaluation != time.Unix(36000, 0).UTC() {
				t.Errorf("%s: group %s every %v s, last at %s", path, g.Name, g.Interval, g.LastEvaluation)
			}
			for _, r := range g.Rules {
				list = append(list, fmt.Sprintf("%s %s %d %s %s %v", r.Name, r.State, len(r.Alerts), r.Health, r.Type, r.Duration))
			}
		}
		if strings.Join(list, ", ") != names {
			t.Errorf("%s\ngot  %s\nwant %s", path, strings.Join(list, ", "), names)
		}
	}
}

func TestErrorsAreThoseOfPrometheus(t *testing.T) {
	server := apiFixture(t)
	const bad, exec = "400 bad_data ", "422 execution "
	for _, c := range []struct{ path, want string }{
		{`/api/v1/query?query=up{`, bad + `invalid parameter "query": 1:4: parse error: unexpected end of input inside braces`},
		{`/api/v1/query`, bad + `invalid parameter "query": unknown position: parse error: no expression found in input`},
		{`/api/v1/query?query=foo()`, bad + `invalid parameter "query": 1:1: parse error: unknown function with name "foo"`},
		{`/api/v1/query?query=up&time=noon`, bad + `invalid parameter "time": invalid time value for 'time': cannot parse "noon" to a valid timestamp`},
		{`/api/v1/query?query=up&timeout=x`, bad + `invalid parameter "timeout": cannot parse "x" to a valid duration`},
		{`/api/v1/query?query=up&timeout=0`, bad + `invalid parameter "timeout": timeout must be positive, got 0s`},
		{`/api/v1/query?query=up&timeout=1e-9`, `503 timeout query timed out in query execution`},
		{`/api/v1/query?query=up&limit=-1`, bad + `invalid parameter "limit": limit must be non-negative`},
		{`/api/v1/query?query=up&limit=x`, bad + `invalid parameter "limit": strconv.Atoi: parsing "x": invalid syntax`},
		{`/api/v1/query?query=up&lookback_delta=x`, bad + `error parsing lookback delta duration: cannot parse "x" to a valid duration`},
		{`/api/v1/query?query=up*on()up`, exec + `found duplicate series for the match group {} on the right hand-side of the operation: [{__name__="up", job="a"}, {__name__="up", job="b\"<"}];many-to-many matching not allowed: matching labels must be unique on one side`},
		{`/api/v1/query_range?query=up&start=1&end=2&step=x`, bad + `invalid parameter "step": cannot parse "x" to a valid duration`},
		{`/api/v1/query_range?query=up&start=1&end=2&step=0`, bad + `invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer`},
		{`/api/v1/query_range?query=up&start=1&end=2&step=-1`, bad + `invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer`},
		{`/api/v1/query_range?query=up&start=2&end=1&step=1`, bad + `invalid parameter "end": end timestamp must not be before start time`},
		{`/api/v1/query_range?query=up&end=1&step=1`, bad + `invalid parameter "start": cannot parse "" to a valid timestamp`},
		{`/api/v1/query_range?query=up&start=1&step=1`, bad + `invalid parameter "end": cannot parse "" to a valid timestamp`},
		{`/api/v1/query_range?query=up&start=0&end=11001&step=1s`, bad + `exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)`},
		{`/api/v1/query_range?query=up[5m]&start=0&end=1&step=1s`, bad + `invalid parameter "query": invalid expression type "range vector" for range query, must be Scalar or instant Vector`},
		{`/api/v1/query_range?query=up&start=0&end=1&step=1&limit=y`, bad + `invalid parameter "limit": strconv.Atoi: parsing "y": invalid syntax`},
		{`/api/v1/series`, bad + `no match[] parameter provided`},
		{`/api/v1/series?match[]={}`, bad + `invalid parameter "match[]": match[] must contain at least one non-empty matcher`},
		{`/api/v1/series?match[]=up{`, bad + `invalid parameter "match[]": 1:4: parse error: unexpected end of input inside braces`},
		{`/api/v1/series?match[]=up&start=x`, bad + `invalid parameter "start": invalid time value for 'start': cannot parse "x" to a valid timestamp`},
		{`/api/v1/labels?match[]={job=~".*"}`, bad + `match[] must contain at least one non-empty matcher`},
		{`/api/v1/labels?end=x`, bad + `invalid parameter "end": invalid time value for 'end': cannot parse "x" to a valid timestamp`},
		{`/api/v1/label/%FF/values`, bad + `invalid label name: "\xff"`},
		{`/api/v1/label/job/values?limit=-2`, bad + `invalid parameter "limit": limit must be non-negative`},
		{`/api/v1/label/job/values?match[]=1`, bad + `1:1: parse error: unexpected number "1"`},
		{`/api/v1/metadata?limit=x`, bad + `limit must be a number`},
		{`/api/v1/metadata?limit_per_metric=x`, bad + `limit_per_metric must be a number`},
		{`/api/v1/rules?type=x`, bad + `invalid parameter "type": not supported value "x"`},
		{`/api/v1/rules?exclude_alerts=x`, bad + `invalid parameter "exclude_alerts": error converting exclude_alerts: strconv.ParseBool: parsing "x": invalid syntax`},
	} {
		code, body := ask(server, c.path)
		var e struct{ Status, ErrorType, Error string }
		if err := json.Unmarshal([]byte(body), &e); err != nil {
			t.Errorf("%s: %d %s: %v", c.path, code, body, err)
		}
		if got := fmt.Sprintf("%d %s %s", code, e.ErrorType, e.Error); e.Status != "error" || got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.path, got, c.want)
		}
	}
}

func TestPlainPages(t *testing.T) {
	server := apiFixture(t)
	for path, want := range map[string]string{
		"/-/healthy":      "200 Prometheus Server is Healthy.\n",
		"/-/ready":        "200 Prometheus Server is Ready.\n",
		"/api/v1/nothing": "404 404 page not found\n",
		"/favicon.ico":    "404 404 page not found\n",
	} {
		if code, body := ask(server, path); fmt.Sprintf("%d %s", code, body) != want {
			t.Errorf("%s: got %d %q, want %q", path, code, body, want)
		}
	}
	code, body := ask(server, "/metrics")
	if code != 200 || !strings.Contains(body, "# TYPE n_total counter\nn_total{pod=\"p1\"} 36000\n") || strings.Contains(body, "ALERTS") || strings.Contains(body, "old") {
		t.Errorf("/metrics: %d\n%s", code, body)
	}
	if _, body := ask(server, "/api/v1/status/buildinfo"); !strings.Contains(body, `"version":"3.16.0-sickbay-demo"`) {
		t.Errorf("buildinfo: %s", body)
	}
	w := httptest.NewRecorder()
	server.ServeHTTP(w, httptest.NewRequest(http.MethodDelete, "/api/v1/query", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %d", w.Code)
	}
}

func TestAFormIsAsGoodAsAnAddress(t *testing.T) {
	server := apiFixture(t)
	for path, form := range map[string]url.Values{
		"/api/v1/query":       {"query": {"sum(up)"}, "time": {"35000"}},
		"/api/v1/query_range": {"query": {"sum(up)"}, "start": {"35000"}, "end": {"35100"}, "step": {"15s"}},
		"/api/v1/series":      {"match[]": {"up", "old"}},
		"/api/v1/labels":      {"match[]": {"up"}},
	} {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		code, want := ask(server, path+"?"+form.Encode())
		if w.Code != 200 || code != 200 || w.Body.String() != want {
			t.Errorf("POST %s: %d %s, want %s", path, w.Code, w.Body, want)
		}
		if got := w.Header().Get("Content-Type"); got != "application/json" {
			t.Errorf("POST %s: Content-Type %q", path, got)
		}
	}
}

func TestNothingButHealthIsSaidBeforeItIsReady(t *testing.T) {
	server := NewServer(NewStore(0), nil, nil)
	for _, path := range []string{"/-/ready", "/metrics", "/api/v1/query?query=up", "/api/v1/rules", "/api/v1/status/buildinfo"} {
		if code, body := ask(server, path); code != http.StatusServiceUnavailable || body != "Service Unavailable" {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	if code, _ := ask(server, "/-/healthy"); code != http.StatusOK {
		t.Errorf("/-/healthy: %d", code)
	}
	server.SetReady(true)
	for path, want := range map[string]string{
		"/metrics":                                "",
		"/api/v1/query?query=up":                  `{"status":"success","data":{"resultType":"vector","result":[]}}`,
		"/api/v1/alerts":                          `{"status":"success","data":{"alerts":[]}}`,
		"/api/v1/rules":                           `{"status":"success","data":{"groups":[]}}`,
		"/api/v1/labels":                          `{"status":"success","data":[]}`,
		"/api/v1/label/x/values":                  `{"status":"success","data":[]}`,
		"/api/v1/metadata":                        `{"status":"success","data":{}}`,
		"/api/v1/series?match[]=up":               `{"status":"success","data":[]}`,
		"/api/v1/query?query=absent(up)&time=1.5": `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1.500,"1"]}]}}`,
	} {
		if code, body := ask(server, path); code != http.StatusOK || body != want {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
}

func TestNumbersAreWrittenAsPrometheusWritesThem(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0", 1: "1", -1.5: "-1.5", 0.1: "0.1", 1e20: "100000000000000000000", 1e21: "1e+21", 1e-6: "0.000001", 1e-7: "1e-07",
		math.Inf(1): "+Inf", math.Inf(-1): "-Inf",
	} {
		if got := string(appendFloat(nil, f)); got != want {
			t.Errorf("%g is written %s, want %s", f, got, want)
		}
	}
	if got := string(appendFloat(nil, math.NaN())); got != "NaN" {
		t.Errorf("NaN is written %s", got)
	}
	for ms, want := range map[int64]string{0: "0", 1: "0.001", 1500: "1.500", 12_345: "12.345", -1500: "-1.500", 1_700_000_000_000: "1700000000"} {
		if got := string(appendTime(nil, ms)); got != want {
			t.Errorf("%d ms is written %s, want %s", ms, got, want)
		}
	}
}
