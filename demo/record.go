package demo

import "math"

// A record is one line of the request log, with the field names of
// OpenTelemetry's conventions for generative AI where they have one.
type record struct {
	Time         string     `json:"time"`
	Level        string     `json:"level"`
	Service      string     `json:"service"`
	Message      string     `json:"message"`
	RequestID    string     `json:"request_id"`
	TraceID      string     `json:"trace_id"`
	Duration     float64    `json:"duration_s"`
	Status       int        `json:"http.response.status_code"`
	ErrorType    string     `json:"error.type,omitempty"`
	Operation    string     `json:"gen_ai.operation.name,omitempty"`
	Provider     string     `json:"gen_ai.provider.name,omitempty"`
	RequestModel string     `json:"gen_ai.request.model,omitempty"`
	Model        string     `json:"gen_ai.response.model,omitempty"`
	ResponseID   string     `json:"gen_ai.response.id,omitempty"`
	TokensIn     int        `json:"gen_ai.usage.input_tokens,omitempty"`
	TokensOut    int        `json:"gen_ai.usage.output_tokens,omitempty"`
	Finish       []string   `json:"gen_ai.response.finish_reasons,omitempty"`
	First        float64    `json:"gen_ai.response.time_to_first_chunk,omitempty"`
	PromptName   string     `json:"gen_ai.prompt.name,omitempty"`
	Prompt       string     `json:"prompt_version,omitempty"`
	ModelVersion string     `json:"model_version,omitempty"`
	Index        string     `json:"index_version,omitempty"`
	Data         string     `json:"data_version,omitempty"`
	Build        string     `json:"build_version,omitempty"`
	Cache        string     `json:"cache,omitempty"`
	CacheVersion string     `json:"cache_version,omitempty"`
	Cost         float64    `json:"cost_usd,omitempty"`
	Tenant       string     `json:"tenant"`
	Region       string     `json:"region"`
	Input        []message  `json:"gen_ai.input.messages,omitempty"`
	Output       []message  `json:"gen_ai.output.messages,omitempty"`
	Documents    []document `json:"gen_ai.retrieval.documents,omitempty"`
	QueryModel   string     `json:"query_embedding_model,omitempty"`
	IndexModel   string     `json:"index_embedding_model,omitempty"`
	Tools        []toolCall `json:"gen_ai.tool.calls,omitempty"`
	Judged       []verdict  `json:"gen_ai.evaluation.result,omitempty"`
	Features     values     `json:"ml.features,omitempty"`
	Prediction   string     `json:"ml.prediction,omitempty"`
	Score        float64    `json:"ml.score,omitempty"`
}

type message struct {
	Role  string `json:"role"`
	Parts []text `json:"parts"`
}

type text struct {
	Type    string `json:"type"`
	Content string `json:"content"`
}

type document struct {
	ID      string  `json:"id"`
	Score   float64 `json:"score"`
	Age     float64 `json:"age_s"`
	Content string  `json:"content"`
}

type toolCall struct {
	Name      string  `json:"name"`
	Arguments string  `json:"arguments"`
	Result    string  `json:"result,omitempty"`
	Error     string  `json:"error,omitempty"`
	Duration  float64 `json:"duration_s"`
}

type verdict struct {
	Name  string  `json:"name"`
	Score float64 `json:"score"`
	Label string  `json:"label"`
}

// values of features; nil is a missing one.
type values map[string]*float64

func say(role, content string) []message {
	return []message{{role, []text{{"text", content}}}}
}

func (r *record) input(content string)  { r.Input = say("user", content) }
func (r *record) answer(content string) { r.Output = say("assistant", content) }

// fail makes the record a failing one.
func (r *record) fail(level, kind string, status int, message string) {
	r.Level, r.ErrorType, r.Status, r.Message = level, kind, status, message
}

// judge adds an evaluation; a score below half is a failure.
func (r *record) judge(name string, score float64, bad string) {
	v := verdict{name, round(score, 3), "pass"}
	if score < 0.5 {
		v.Label = bad
		r.Level = "warn"
	}
	r.Judged = append(r.Judged, v)
}

// failing says whether the record tells of something that went wrong.
func (r *record) failing() bool {
	for _, v := range r.Judged {
		if v.Label != "pass" {
			return true
		}
	}
	return r.ErrorType != ""
}

func round(v float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(v*p) / p
}
