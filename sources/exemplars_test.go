package sources

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestExemplarsHaveTheTraceOfTheirRequest(t *testing.T) {
	said := ""
	status := http.StatusOK
	var asked string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		asked = r.URL.Path + " " + r.Form.Get("query")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, said)
	}))
	defer server.Close()
	p := mustOpen(t, "prometheus", fmt.Sprintf("url = %q", server.URL)).(Exemplars)
	ask := func() ([]Exemplar, error) {
		return p.Exemplars(t.Context(), "rate(x_bucket[1m])", time.Unix(0, 0), time.Unix(100, 0))
	}
	said = `{"status":"success","data":[{"seriesLabels":{"__name__":"x_bucket","service":"chat"},"exemplars":[
		{"labels":{"trace_id":"5B8EFFF798038103D269B633813FC60C","span_id":"1"},"value":"8.2","timestamp":50.5},
		{"labels":{"traceID":"abc"},"value":"NaN","timestamp":51},
		{"labels":{"user":"ann"},"value":"1","timestamp":52}]}]}`
	got, err := ask()
	if err != nil || len(got) != 2 || got[0].Trace != "5b8efff798038103d269b633813fc60c" || got[0].Value != 8.2 || got[0].Labels["service"] != "chat" ||
		!got[0].At.Equal(time.UnixMilli(50500)) || got[1].Trace != strings.Repeat("0", 29)+"abc" {
		t.Errorf("%+v, %v", got, err)
	}
	if asked != "/api/v1/query_exemplars rate(x_bucket[1m])" {
		t.Errorf("asked %q", asked)
	}
	said = `{"status":"success","data":[]}`
	if got, err := ask(); err != nil || len(got) != 0 {
		t.Errorf("of a server that keeps none: %v, %v", got, err)
	}
	status, said = http.StatusNotFound, "404 page not found"
	if _, err := ask(); !errors.Is(err, ErrMissing) {
		t.Errorf("of a server that does not know the question: %v", err)
	}
}
