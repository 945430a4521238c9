package logs

import (
	"fmt"
	"slices"
	"strings"
)

// words are what the user calls a meaning in a mapping of fields.
var words = map[string]meaning{
	"time": aTime, "level": aLevel, "service": aService, "message": aMessage, "error": anErrorText, "error_type": anErrorType,
	"request_id": aRequestID, "response_id": aResponseID, "trace_id": aTraceID, "operation": anOperation, "status": aStatusCode, "finish": aFinish,
	"duration": aDuration, "duration_ms": aDurationMS, "ttft": aTTFT, "ttft_ms": aTTFTMS, "tokens_in": tokensIn, "tokens_out": tokensOut, "cost": aCost,
	"model": aModel, "response_model": aResponseModel, "provider": aProvider, "prompt_name": aPromptName, "tenant": aTenant, "agent": anAgent,
	"build_version": buildVersion, "model_version": modelVersion, "prompt_version": promptVersion, "index_version": indexVersion,
	"data_version": dataVersion, "config_version": configVersion,
	"tool": aTool, "tool_arguments": toolArguments, "tool_result": toolResult, "tool_calls": toolCalls,
	"prompt": promptText, "system": systemText, "answer": answerText, "documents": documents, "evaluations": evaluations,
	"dimension": other, "ignore": nobody,
}

// Meanings lists what a field can mean, for a mapping.
func Meanings() []string {
	var all []string
	for w := range words {
		all = append(all, w)
	}
	slices.Sort(all)
	return all
}

// Check says what is wrong with the options.
func (o Options) Check() error {
	var names []string
	for name := range o.Fields {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if _, ok := words[o.Fields[name]]; !ok {
			return fmt.Errorf("fields: %q cannot mean %q; it can mean %s", name, o.Fields[name], strings.Join(Meanings(), ", "))
		}
	}
	return nil
}

// mapping is what the user says about fields.
type mapping struct {
	meanings map[string]meaning
	fails    map[string][]string
}

func (o Options) mapping() mapping {
	m := mapping{map[string]meaning{}, o.Fail}
	for name, word := range o.Fields {
		if v, ok := words[word]; ok {
			m.meanings[name] = v
		}
	}
	return m
}

// Decided says in words how the stream is read so far, and what that is based on:
//
//	JSON lines in CRI (1204 of 1210 lines, 6 bad): time from ts, level from lvl; dimensions tier, queue
func (s *Stream) Decided() string {
	p := s.p
	if s.Lines == 0 {
		return "nothing has come yet"
	}
	format, n := "plain text", p.loose
	if p.structured > p.loose {
		format, n = "JSON lines", p.structured
		if p.logfmts*2 > p.structured {
			format = "logfmt"
		}
	}
	if s.wrapping != "" {
		format += " in " + s.wrapping
	}
	said := fmt.Sprintf("%s (%d of %d lines", format, n, s.Lines)
	if s.Bad > 0 {
		said += fmt.Sprintf(", %d bad", s.Bad)
	}
	said += ")"
	from, dims := p.shape.decided()
	if len(from) > 0 {
		said += ": " + strings.Join(from, ", ")
	}
	if len(dims) > 0 {
		said += "; dimensions " + strings.Join(dims, ", ")
	}
	return said
}

// maxSaid is how many dimensions are named.
const maxSaid = 12

// decided lists which field every meaning is taken from, and which fields became
// dimensions because nobody has a name for them.
func (s *shape) decided() (from, dims []string) {
	best := map[meaning]*field{}
	for i := range s.fields {
		f := &s.fields[i]
		switch b := best[f.meaning]; {
		case f.used == 0:
		case f.meaning == other:
			dims = append(dims, f.dim)
		case b == nil || f.used > b.used:
			best[f.meaning] = f
		}
	}
	for _, w := range Meanings() {
		f := best[words[w]]
		if f == nil {
			continue
		}
		text := w + " from " + f.name
		if f.mapped {
			text += " (config)"
		}
		from = append(from, text)
	}
	if len(dims) > maxSaid {
		dims = append(dims[:maxSaid], fmt.Sprintf("and %d more", len(dims)-maxSaid))
	}
	return from, dims
}
