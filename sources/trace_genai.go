package sources

import (
	"encoding/json"
	"strconv"
	"strings"

	"sickbay/health"
)

// The names under which instrumentations say the same, best first: OpenTelemetry's
// conventions for generative AI (1.37 and later), their older names, OpenLLMetry
// (llm.*, traceloop.*), OpenInference, the Model Context Protocol.
var (
	operationNames = []string{"gen_ai.operation.name", "llm.request.type"}
	spanKindNames  = []string{"openinference.span.kind", "traceloop.span.kind"}
	modelNames     = []string{"gen_ai.response.model", "llm.response.model", "gen_ai.request.model", "llm.request.model", "llm.model_name", "embedding.model_name"}
	toolNames      = []string{"gen_ai.tool.name", "tool.name", "mcp.tool.name"}
	agentNames     = []string{"gen_ai.agent.name", "agent.name", "gen_ai.workflow.name", "traceloop.workflow.name"}
	argumentNames  = []string{"gen_ai.tool.call.arguments", "tool.parameters", "tool.arguments", "traceloop.entity.input", "input.value"}
	resultNames    = []string{"gen_ai.tool.call.result", "tool.result", "traceloop.entity.output", "output.value"}
	finishNames    = []string{"gen_ai.response.finish_reasons", "gen_ai.response.finish_reason", "llm.response.finish_reason"}
	tokensInNames  = []string{"gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens", "llm.token_count.prompt"}
	tokensOutNames = []string{"gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.usage.completion_tokens", "llm.token_count.completion"}
	ttftNames      = []string{"gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token"}
	documentNames  = []string{"gen_ai.retrieval.documents", "retrieval.documents", "db.response.returned_rows", "db.vector.query.result_count"}
	errorNames     = []string{"error.type", "exception.type"}
	messageNames   = []string{"otel.status_description", "status.message", "exception.message", "error.message"}
	databaseNames  = []string{"db.system.name", "db.system"}
)

// operationKinds is what an operation is, by its lower-case name.
var operationKinds = map[string]health.SpanKind{
	"chat": health.SpanModel, "completion": health.SpanModel, "text_completion": health.SpanModel, "generate_content": health.SpanModel,
	"embeddings": health.SpanModel, "embedding": health.SpanModel, "llm": health.SpanModel, "responses": health.SpanModel,
	"execute_tool": health.SpanTool, "tool": health.SpanTool,
	"retrieval": health.SpanRetrieval, "retriever": health.SpanRetrieval, "rerank": health.SpanRetrieval, "reranker": health.SpanRetrieval,
	"search": health.SpanRetrieval, "search_memory": health.SpanRetrieval,
	"invoke_agent": health.SpanAgent, "create_agent": health.SpanAgent, "agent": health.SpanAgent, "invoke_workflow": health.SpanAgent,
	"workflow": health.SpanAgent, "plan": health.SpanAgent, "chain": health.SpanAgent,
}

// vectorDatabases hold what is retrieved; PostgreSQL does too, but seldom only that.
var vectorDatabases = map[string]bool{
	"qdrant": true, "milvus": true, "weaviate": true, "pinecone": true, "chroma": true, "chromadb": true, "lancedb": true, "marqo": true, "vespa": true,
}

// attributes are what a span says of itself, by name.
type attributes map[string]string

// first is the value of the first of some names that has one.
func (a attributes) first(names []string) string {
	for _, n := range names {
		if v := a[n]; v != "" {
			return v
		}
	}
	return ""
}

func (a attributes) number(names []string) *float64 {
	f, err := strconv.ParseFloat(a.first(names), 64)
	if err != nil || f < 0 {
		return nil
	}
	return health.Num(f)
}

// understand fills what the attributes of a span say about models, tools, agents
// and retrievals. failed: its status is an error.
func understand(s *health.TraceSpan, fields []health.Field, failed bool) {
	a := make(attributes, len(fields))
	for _, f := range fields {
		if _, twice := a[f.Name]; !twice {
			a[f.Name] = f.Value
		}
	}
	s.Operation = health.Cut(a.first(operationNames), maxAttribute)
	s.Model = health.Cut(a.first(modelNames), maxAttribute)
	s.Tool, s.Agent = health.Cut(a.first(toolNames), maxAttribute), health.Cut(a.first(agentNames), maxAttribute)
	s.Finish = health.Cut(strings.Join(texts(a.first(finishNames)), ", "), maxAttribute)
	s.TokensIn, s.TokensOut, s.TTFT = a.number(tokensInNames), a.number(tokensOutNames), a.number(ttftNames)
	s.Kind = kindOf(s, a)
	switch s.Kind {
	case health.SpanTool:
		if s.Tool == "" {
			s.Tool = health.Cut(orElse(a["traceloop.entity.name"], strings.TrimPrefix(s.Name, "execute_tool ")), maxAttribute)
		}
		s.Arguments, s.Result = health.Cut(a.first(argumentNames), maxSpanText), health.Cut(a.first(resultNames), maxSpanText)
	case health.SpanRetrieval:
		s.Documents = countOf(a.first(documentNames))
	}
	s.Error = spanError(a, failed)
	s.Attributes = telling(fields)
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// kindOf trusts the name of the operation most, then what else only such a span has.
func kindOf(s *health.TraceSpan, a attributes) health.SpanKind {
	for _, v := range []string{s.Operation, a.first(spanKindNames)} {
		if k, ok := operationKinds[strings.ToLower(v)]; ok {
			return k
		}
	}
	db := strings.ToLower(a.first(databaseNames))
	switch {
	case s.Tool != "" || a["mcp.method.name"] == "tools/call" || strings.HasPrefix(s.Name, "execute_tool "):
		return health.SpanTool
	case vectorDatabases[db] || a["gen_ai.data_source.id"] != "" || a["db.vector.query.top_k"] != "":
		return health.SpanRetrieval
	case s.Model != "" || s.TokensIn != nil || s.TokensOut != nil:
		return health.SpanModel
	case s.Agent != "" || strings.HasPrefix(s.Name, "invoke_agent "):
		return health.SpanAgent
	}
	return health.SpanOther
}

// spanError is "timeout: upstream openai timed out", as much of it as is said.
func spanError(a attributes, failed bool) string {
	kind, text := a.first(errorNames), a.first(messageNames)
	if !failed && kind == "" && !strings.EqualFold(a["error"], "true") {
		return ""
	}
	switch {
	case kind == "" && text == "":
		return "failed, and does not say why"
	case kind == "" || text == "" || strings.Contains(text, kind):
		return health.Cut(orElse(text, kind), maxErrorText)
	}
	return health.Cut(kind+": "+text, maxErrorText)
}

// countOf is a number, or how many there are in a list.
func countOf(v string) *float64 {
	if f, err := strconv.ParseFloat(v, 64); err == nil && f >= 0 {
		return health.Num(f)
	}
	var list []json.RawMessage
	if json.Unmarshal([]byte(v), &list) == nil && list != nil {
		return health.Num(float64(len(list)))
	}
	return nil
}

// texts are those of a list written as JSON, or the one that stands alone.
func texts(v string) []string {
	var list []string
	if json.Unmarshal([]byte(v), &list) == nil {
		return list
	}
	return []string{v}
}

// contents are the names, or the beginnings of names, under which prompts, answers
// and documents are written. Those are read from the log, where the viewer decides
// whether he wants to see them; here nobody could hide them.
var contents = []string{
	"gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.prompt.", "gen_ai.completion.", "gen_ai.tool.call.",
	"gen_ai.tool.definitions", "gen_ai.retrieval.documents", "gen_ai.retrieval.query", "llm.input_messages", "llm.output_messages", "llm.prompts",
	"llm.completions", "input.value", "output.value", "traceloop.entity.input", "traceloop.entity.output", "retrieval.documents", "tool.parameters",
	"tool.arguments", "tool.result", "db.query.text", "db.statement", "exception.stacktrace", "embedding.embeddings", "embedding.text",
}

// telling are the attributes that are kept as they are: not the content, and not
// more than anybody reads.
func telling(fields []health.Field) []health.Field {
	var all []health.Field
	for _, f := range fields {
		if len(all) < maxAttributes && f.Value != "" && !isContent(f.Name) {
			all = append(all, health.Field{Name: health.Cut(f.Name, maxAttribute), Value: health.Cut(f.Value, maxAttribute)})
		}
	}
	return all
}

func isContent(name string) bool {
	if name == "gen_ai.prompt" || name == "gen_ai.completion" {
		return true
	}
	for _, c := range contents {
		if strings.HasPrefix(name, c) {
			return true
		}
	}
	return false
}
