package packs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"sickbay/health"
)

func TestTheDetectQueryMatchesDetectMetricsAndNothingElse(t *testing.T) {
	packs := append(All(), &Pack{Detect: []string{`odd.name|with\bits`}, Identity: []string{"service"}})
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(DetectQuery(packs, 0))
	if err != nil {
		t.Fatal(err)
	}
	sum := expr.(*parser.AggregateExpr)
	for _, want := range []string{"__name__", "service", "model_name", "requested_model", "Hostname", "job", "gen_ai_original_model"} {
		if !slices.Contains(sum.Grouping, want) {
			t.Errorf("does not keep %s: %v", want, sum.Grouping)
		}
	}
	var name *labels.Matcher
	for _, m := range sum.Expr.(*parser.VectorSelector).LabelMatchers {
		if m.Name == model.MetricNameLabel {
			name = m
		}
	}
	for _, p := range packs {
		for _, metric := range p.Metrics() {
			if !name.Matches(metric) {
				t.Errorf("%s is not matched", metric)
			}
		}
	}
	for _, other := range []string{"", "up", "vllm:num_requests_running_total", "xDCGM_FI_DEV_GPU_UTIL", "oddxname", "vllm:num_requests_waiting"} {
		if name.Matches(other) {
			t.Errorf("%q is matched", other)
		}
	}
}

func TestDiscoverFindsPacksTheirLabelAndTheirServices(t *testing.T) {
	one := func(metric string, pairs ...string) Presence {
		p := Presence{Metric: metric, Labels: map[string]string{"__name__": metric}}
		for i := 0; i < len(pairs); i += 2 {
			p.Labels[pairs[i]] = pairs[i+1]
		}
		return p
	}
	many := func(n int, p Presence) Presence { p.Series = n; return p }
	vllm, dcgm := "vllm:num_requests_running", "DCGM_FI_DEV_GPU_UTIL"
	for name, c := range map[string]struct {
		present []Presence
		want    string
	}{
		"nothing there":                     {nil, ""},
		"another's metric":                  {[]Presence{one("up", "service", "a")}, ""},
		"the first label where both are":    {[]Presence{one(vllm, "service", "chat", "model_name", "llama")}, "vllm by service: chat"},
		"the second where the first is not": {[]Presence{one(vllm, "service", "", "model_name", "llama")}, "vllm by model_name: llama"},
		"the one on most series": {[]Presence{many(2, one(vllm, "service", "chat", "model_name", "a")), many(9, one(vllm, "model_name", "b"))},
			"vllm by model_name: a b"},
		"ties go to the first": {[]Presence{one(vllm, "model_name", "a", "service", "z"), one(vllm, "model_name", "b", "service", "y")},
			"vllm by service: y z"},
		"names once and sorted": {[]Presence{one(dcgm, "Hostname", "b"), one(dcgm, "Hostname", "a"), one(dcgm, "Hostname", "b")},
			"dcgm by Hostname: a b"},
		"a label tells whose a metric is": {[]Presence{
			one("gen_ai_server_request_duration_seconds_count", "job", "gateway", "gen_ai_original_model", "fast"),
			one("gen_ai_server_request_duration_seconds_count", "job", "app")}, "envoy-ai-gateway by gen_ai_original_model: fast; otel-genai by job: app"},
		"a common name without the label that proves it": {[]Presence{one("num_requests_running", "job", "web")}, ""},
		"no label that names a service":                  {[]Presence{one(vllm, "engine", "0")}, ""},
		"several packs": {[]Presence{one(dcgm, "Hostname", "n1"), one("ai_requests_total", "service", "chat"), one("ai_retrieval_total", "service", "docs")},
			"ai-app by service: chat; ai-rag by service: docs; dcgm by Hostname: n1"},
	} {
		var said []string
		for _, f := range Discover(All(), c.present) {
			said = append(said, fmt.Sprintf("%s by %s: %s", f.Pack.ID, f.By, strings.Join(f.Services, " ")))
		}
		if got := strings.Join(said, "; "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestAServiceIsOfTheMostTellingKind(t *testing.T) {
	found := []Found{
		{Pack: &Pack{Kind: ""}, Services: []string{"plain", "docs", "both"}},
		{Pack: &Pack{Kind: health.RAG}, Services: []string{"docs", "both"}},
		{Pack: &Pack{Kind: health.LLM}, Services: []string{"docs", "chat", "fraud"}},
		{Pack: &Pack{Kind: health.ML}, Services: []string{"fraud"}},
		{Pack: &Pack{Kind: health.Agent}, Services: []string{"both"}},
		{Pack: &Pack{Kind: health.Infra}, Services: []string{"gpu", "chat"}},
		{Pack: &Pack{Guest: true, Kind: health.Agent}, Services: []string{"gpu", "every container of the cluster"}},
	}
	want := map[string]health.Kind{"plain": "", "docs": "rag", "both": "agent", "chat": "llm", "fraud": "llm", "gpu": "infra"}
	if got := Kinds(found); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	slices.Reverse(found)
	if got := Kinds(found); !maps.Equal(got, want) {
		t.Errorf("in another order: %v, want %v", got, want)
	}
}

func TestTheApplicationIsBelievedBeforeTheGatewayBeforeTheServer(t *testing.T) {
	all := All()
	slices.SortFunc(all, func(a, b *Pack) int {
		if a.Before(b) {
			return -1
		}
		return 1
	})
	var order []string
	for _, p := range all {
		if slices.Contains([]string{"ai-app", "litellm", "otel-genai", "vllm"}, p.ID) {
			order = append(order, p.ID)
		}
	}
	if got := strings.Join(order, " "); got != "ai-app litellm otel-genai vllm" {
		t.Error(got)
	}
}
