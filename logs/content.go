package logs

import (
	"strings"

	"sickbay/health"
)

const maxParts = 256 // messages, chunks, tool calls of one record

// setContent stores what was said and done. Of a slim record the texts are left
// out: they are long, and nothing is found out by them.
func (rec *record) setContent(m meaning, v value) bool {
	switch m {
	case toolCalls:
		rec.Tools = calls(v)
		return len(rec.Tools) > 0
	case documents:
		rec.Chunks = chunks(v, rec.slim)
		return len(rec.Chunks) > 0
	case evaluations:
		rec.Scores = scores(v)
		return len(rec.Scores) > 0
	case evalName:
		rec.eval.name = v.text()
	case evalScore:
		rec.eval.score = v.text()
	case evalLabel:
		rec.eval.label = v.text()
	case aTool:
		rec.tool.Name = v.text()
	case toolArguments:
		rec.tool.Arguments = v.text()
	case toolResult:
		rec.tool.Result = v.text()
	default:
		return rec.slim || rec.setText(m, v)
	}
	return true
}

func (rec *record) setText(m meaning, v value) bool {
	switch m {
	case promptText:
		rec.Prompt = messages(v, "")
		return rec.Prompt != ""
	case answerText:
		rec.Answer = messages(v, "assistant")
		return rec.Answer != ""
	case systemText:
		rec.system = messages(v, "system")
	}
	return true
}

// unpacked looks into text that holds JSON: spans carry lists that way.
func unpacked(v value) value {
	if v.kind != text {
		return v
	}
	s := strings.TrimSpace(v.text())
	if len(s) < 2 || s[0] != '[' && s[0] != '{' {
		return v
	}
	inner := scanner{s: s}
	if got, ok := inner.value(); ok && inner.end() {
		return got
	}
	return v
}

// each visits the items of a list, or the one thing that stands for a list of one.
func each(v value, visit func(v value)) {
	n := 0
	v = unpacked(v)
	if v.kind != list {
		visit(v)
		return
	}
	items(v.raw, func(v value) {
		if n++; n <= maxParts {
			visit(v)
		}
	})
}

// messages turns a conversation into lines "role: text". The role that goes
// without saying is left out.
func messages(v value, silent string) string {
	if v = unpacked(v); v.kind == text {
		return v.text()
	}
	var lines []string
	each(v, func(v value) {
		role, said := message(v)
		if role != "" && role != silent {
			said = role + ": " + said
		}
		if said != "" {
			lines = append(lines, said)
		}
	})
	return strings.Join(lines, "\n")
}

// message reads {"role","parts":[…]} and {"role","content": text or parts}.
func message(v value) (role, said string) {
	if v.kind != object {
		return "", v.text()
	}
	var kind, name, arguments string
	fields(v.raw, func(key string, v value) {
		switch key {
		case "role":
			role = v.text()
		case "type":
			kind = v.text()
		case "parts", "content", "text":
			said = joined(said, messages(v, ""))
		case "result", "response":
			said = joined(said, v.text())
		case "name":
			name = v.text()
		case "arguments":
			arguments = v.text()
		case "tool_calls":
			for _, c := range calls(v) {
				said = joined(said, c.Name+"("+c.Arguments+")")
			}
		}
	})
	switch kind {
	case "tool_call":
		said = name + "(" + arguments + ")"
	case "tool_call_response":
		said = "result: " + said
	}
	return role, said
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n" + b
}

// chunks reads what was retrieved, of a slim record without the texts.
func chunks(v value, slim bool) []health.Chunk {
	var all []health.Chunk
	each(v, func(v value) {
		var c health.Chunk
		said := false // there is a text
		body := func(v value) {
			if said = v.kind != nothing && v.raw != ""; !slim {
				c.Text = v.text()
			}
		}
		if v.kind != object {
			body(v)
		}
		fields(v.raw, func(key string, v value) {
			switch key {
			case "id", "document_id", "chunk_id":
				c.ID = v.text()
			case "score", "similarity", "relevance":
				c.Score = pointer(v)
			case "age_s", "age":
				c.Age = pointer(v)
			case "content", "text", "page_content":
				body(v)
			}
		})
		if said || c != (health.Chunk{}) {
			all = append(all, c)
		}
	})
	return all
}

// calls reads tool calls, also in the form of OpenAI's API, where name and
// arguments stand in an object "function".
func calls(v value) []health.ToolCall {
	var all []health.ToolCall
	each(v, func(v value) {
		var c health.ToolCall
		var read func(key string, v value)
		read = func(key string, v value) {
			switch key {
			case "name", "tool":
				c.Name = v.text()
			case "arguments", "args", "input":
				c.Arguments = v.text()
			case "result", "output":
				c.Result = v.text()
			case "error":
				c.Error = v.text()
			case "duration_s", "duration":
				c.Duration = pointer(v)
			case "function":
				fields(v.raw, read)
			}
		}
		fields(v.raw, read)
		if c != (health.ToolCall{}) {
			all = append(all, c)
		}
	})
	return all
}

// evaluation is what a judge said: a score, a label or both.
type evaluation struct{ name, score, label string }

// field prefers the label: it says whether the score is good.
func (e evaluation) field() (health.Field, bool) {
	v := firstOf(e.label, e.score)
	return health.Field{Name: e.name, Value: v}, v != ""
}

func scores(v value) []health.Field {
	var all []health.Field
	each(v, func(v value) {
		var e evaluation
		fields(v.raw, func(key string, v value) { e.read(key, v) })
		if f, ok := e.field(); ok {
			all = append(all, f)
		}
	})
	return all
}

// read takes name, score and label, the latter two also as score.value and
// score.label.
func (e *evaluation) read(key string, v value) {
	switch key {
	case "name":
		e.name = v.text()
	case "label", "score.label":
		e.label = v.text()
	case "value", "score.value":
		e.score = v.text()
	case "score":
		if v.kind == object {
			fields(v.raw, e.read)
			return
		}
		e.score = v.text()
	}
}

const (
	numberedPrompt = "gen_ai.prompt."
	numberedAnswer = "gen_ai.completion."
)

// setNumbered takes the content of older instrumentations, which number the
// messages: gen_ai.prompt.0.role, gen_ai.prompt.0.content, gen_ai.completion.0.content.
func (rec *record) setNumbered(name string, v value) {
	into := &rec.Prompt
	rest, ok := strings.CutPrefix(name, numberedPrompt)
	if !ok {
		rest, into = strings.TrimPrefix(name, numberedAnswer), &rec.Answer
	}
	_, part, _ := strings.Cut(rest, ".")
	switch {
	case part == "finish_reason":
		if rec.Finish == "" {
			rec.Finish = v.text()
		}
	case rec.slim:
	case part == "role":
		if s := v.text(); into == &rec.Prompt {
			*into = joined(*into, s+": ")
		}
	case part == "content":
		if strings.HasSuffix(*into, ": ") {
			*into += v.text()
		} else {
			*into = joined(*into, v.text())
		}
	}
}

func pointer(v value) *float64 {
	f, ok := v.number()
	if !ok {
		return nil
	}
	return health.Num(f)
}
