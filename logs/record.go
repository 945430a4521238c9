package logs

import (
	"slices"
	"strings"
	"time"

	"sickbay/health"
)

const (
	maxNested = 8  // objects in objects
	maxDims   = 32 // dimensions of a record
	maxDim    = 64 // bytes of a dimension's value
	maxTools  = 8  // tools of one record that are dimensions
)

// record is a Request in the making. What is not part of the Request is used
// again for the next line.
type record struct {
	*health.Request
	p          *Parser
	slim       bool // leave out what is only looked at when somebody opens the record
	dims       []health.Field
	rank       [meanings]uint8 // rank+1 of the alias a meaning was read from; 0: not read
	responseID string
	errorText  string
	system     string
	model      string          // that was asked for
	answer     string          // model that answered
	tool       health.ToolCall // that the whole record is about
	eval       evaluation
	broken     string // the user's rule by which it failed
}

// add takes one field.
func (rec *record) add(f *field, v value) {
	if v.kind == nothing || f.meaning == nobody && f.fails == nil {
		return
	}
	if f.fails != nil {
		rec.judge(f, v)
	}
	switch f.meaning {
	case other:
		rec.unknown(f, v)
		return
	case numbered:
		rec.setNumbered(f.name, v)
		return
	}
	if has := rec.rank[f.meaning]; has != 0 && has < f.rank+1 {
		return // a better name has said it
	}
	slim := rec.slim
	rec.slim = slim && !f.mapped // nobody else knows what it means, so it cannot be looked at later
	if rec.set(f.meaning, v) {
		rec.rank[f.meaning] = f.rank + 1
		f.used++
	}
	rec.slim = slim
}

// judge applies the user's rules on a field.
func (rec *record) judge(f *field, v value) {
	if said := v.text(); slices.Contains(f.fails, said) {
		rec.broken = f.name + " " + said
	}
}

// takesObject says whether an object under this name is one thing, not a
// wrapper around others.
func (a alias) takesObject() bool {
	switch a.meaning {
	case documents, toolCalls, evaluations, toolArguments, toolResult:
		return true
	}
	return false
}

// set stores a field by its meaning. It is false for a value that cannot be
// what its name says, so that another name may.
func (rec *record) set(m meaning, v value) bool {
	switch m {
	case aTime:
		t, ok := rec.p.clock.read(v.text())
		if ok {
			rec.At = t
		}
		return ok
	case aStatusCode:
		n, ok := wholeNumber(v.raw)
		if ok && n >= 100 && n < 1000 {
			rec.Code = n
			return true
		}
		return false
	case aDuration, aTTFT, aDurationMS, aTTFTMS, tokensIn, tokensOut, aCost:
		return rec.setNumber(m, v)
	case toolCalls, promptText, systemText, answerText, documents, evaluations, evalName, evalScore, evalLabel,
		aTool, toolArguments, toolResult:
		return rec.setContent(m, v)
	case aFinish:
		rec.Finish = rec.p.words.word(finishReason(v))
		return rec.Finish != ""
	case aLevel, aLevelOTel, aLevelPython:
		return rec.setLevel(m, v.text())
	}
	s := v.text()
	if s == "" {
		return false
	}
	switch m {
	case aMessage:
		rec.Message = s
	case anErrorText:
		rec.errorText = s
	case aRequestID:
		rec.ID = s
	case aResponseID:
		rec.responseID = s
	case aTraceID:
		rec.Trace = s
	default:
		rec.setWord(m, rec.p.words.word(s))
	}
	return true
}

// setLevel takes a level by name, or by number unless a field with a name for it
// has said one.
func (rec *record) setLevel(m meaning, s string) bool {
	l := ""
	switch m {
	case aLevel:
		l = levelValue(s)
	case aLevelOTel:
		l = levelOTel(s)
	case aLevelPython:
		l = levelPython(s)
	}
	if l != "" && (m == aLevel || rec.rank[aLevel] == 0) {
		rec.Level = l
	}
	return l != ""
}

// setWord stores a text that many records have.
func (rec *record) setWord(m meaning, s string) {
	switch m {
	case aService:
		rec.Service = s
	case anErrorType:
		rec.Error = s
	case anOperation:
		rec.Name = s
	case buildVersion:
		rec.Lineage.Build = s
	case modelVersion:
		rec.Lineage.Model = s
	case promptVersion:
		rec.Lineage.Prompt = s
	case indexVersion:
		rec.Lineage.Index = s
	case dataVersion:
		rec.Lineage.Data = s
	case configVersion:
		rec.Lineage.Config = s
	case aModel:
		rec.model = s
		rec.dim("model", s)
	case aResponseModel:
		rec.answer = s
	case aProvider:
		rec.dim("provider", s)
	case aPromptName:
		rec.dim("prompt", s)
	case aTenant:
		rec.dim("tenant", s)
	case anAgent:
		rec.dim("agent", s)
	}
}

func (rec *record) setNumber(m meaning, v value) bool {
	f, ok := v.number()
	if !ok && v.kind == text && (m == aDuration || m == aTTFT) { // "1.2s", as Go programs write it
		d, err := time.ParseDuration(v.raw)
		f, ok = d.Seconds(), err == nil
	}
	if !ok {
		return false
	}
	switch m {
	case aDuration:
		rec.Duration = rec.p.num(f)
	case aDurationMS:
		if rec.rank[aDuration] == 0 {
			rec.Duration = rec.p.num(f / 1000)
		}
	case aTTFT:
		rec.TTFT = rec.p.num(f)
	case aTTFTMS:
		if rec.rank[aTTFT] == 0 {
			rec.TTFT = rec.p.num(f / 1000)
		}
	case tokensIn:
		rec.TokensIn = rec.p.num(f)
	case tokensOut:
		rec.TokensOut = rec.p.num(f)
	case aCost:
		rec.CostUSD = rec.p.num(f)
	}
	return true
}

// finishReason is the first reason that is not the usual one, else the first.
func finishReason(v value) string {
	if v.kind != list {
		return v.text()
	}
	var reason string
	items(v.raw, func(v value) {
		if s := v.text(); reason == "" || badFinish(s) && !badFinish(reason) {
			reason = s
		}
	})
	return reason
}

// dim adds a dimension, or replaces the value of the one that has this name.
func (rec *record) dim(name, val string) {
	for i := range rec.dims {
		if rec.dims[i].Name == name {
			rec.dims[i].Value = val
			return
		}
	}
	rec.addDim(name, val)
}

// addDim adds a dimension that may have several values: tools.
func (rec *record) addDim(name, val string) {
	if val != "" && len(val) <= maxDim && len(rec.dims) < maxDims {
		rec.dims = append(rec.dims, health.Field{Name: name, Value: val})
	}
}

// unknown keeps a field nobody has a name for as a dimension, if its values can
// be few: a short text or a yes and no, but no number, id or time.
func (rec *record) unknown(f *field, v value) {
	if f.dim == "" || v.kind != text && v.kind != boolean && !f.mapped || len(v.raw) > maxDim {
		return
	}
	s := v.text()
	if _, isTime := rec.p.clock.read(s); !f.mapped && (isTime || onlyDigits(s)) {
		return
	}
	f.used++
	rec.dim(f.dim, rec.p.words.word(s))
}

// onlyDigits says whether s could be a number, without trying to read it.
func onlyDigits(s string) bool {
	for i := range len(s) {
		if !numeric(s[i]) {
			return false
		}
	}
	return s != ""
}

// tell settles what depends on several fields.
func (rec *record) tell() {
	r := rec.Request
	r.Message = withError(r.Message, rec.errorText)
	if r.Lineage.Model == "" {
		r.Lineage.Model = firstOf(rec.answer, rec.model)
	}
	if rec.answer != "" {
		rec.addDim("response_model", rec.answer)
	}
	if rec.system != "" {
		r.Prompt = strings.TrimSuffix("system: "+rec.system+"\n"+r.Prompt, "\n")
	}
	if rec.tool.Name != "" || rec.tool.Arguments != "" {
		rec.tool.Error = r.Error
		r.Tools = append(r.Tools, rec.tool)
	}
	if s, ok := rec.eval.field(); ok {
		r.Scores = append(r.Scores, s)
	}
	for i, t := range r.Tools[:min(len(r.Tools), maxTools)] {
		if t.Name != "" && !slices.ContainsFunc(r.Tools[:i], func(o health.ToolCall) bool { return o.Name == t.Name }) {
			rec.addDim("tool", rec.p.words.word(t.Name))
		}
	}
}

// withError puts the error behind the message, as Go programs log it.
func withError(message, err string) string {
	switch err {
	case "", "nil", "null", "none", "true", "false", "<nil>":
		return message
	}
	switch {
	case message == "" || strings.Contains(err, message):
		return err
	case strings.Contains(message, err):
		return message
	}
	return message + ": " + err
}

// cut bounds what a huge line leaves in memory. Fields of such a line are
// copied, or each of them would keep all of it.
func (rec *record) cut() {
	r := rec.Request
	huge := len(r.Raw) > maxRaw
	short := func(s *string, max int) {
		if *s = health.Cut(*s, max); huge {
			*s = strings.Clone(*s)
		}
	}
	short(&r.Message, maxMessage)
	short(&r.Prompt, maxContent)
	short(&r.Answer, maxContent)
	if !huge {
		return
	}
	short(&r.Raw, maxRaw)
	l := &r.Lineage
	for _, s := range []*string{&r.ID, &r.Service, &r.Name, &r.Error, &r.Finish, &r.Trace, &l.Build, &l.Model, &l.Prompt, &l.Index, &l.Data, &l.Config} {
		short(s, maxMessage)
	}
	for i := range r.Scores { // dimensions are short, and shared with other records
		short(&r.Scores[i].Name, maxMessage)
		short(&r.Scores[i].Value, maxMessage)
	}
	for i := range r.Chunks {
		short(&r.Chunks[i].ID, maxMessage)
		short(&r.Chunks[i].Text, maxContent)
	}
	for i := range r.Tools {
		t := &r.Tools[i]
		for _, s := range []*string{&t.Name, &t.Arguments, &t.Result, &t.Error} {
			short(s, maxContent)
		}
	}
}
