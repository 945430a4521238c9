package logs

import (
	"strconv"
	"strings"
	"time"

	"sickbay/health"
)

const (
	maxNested = 8  // objects in objects
	maxDims   = 32 // dimensions of a record
	maxDim    = 64 // bytes of a dimension's value
)

// record is a Request in the making.
type record struct {
	health.Request
	clock      *clock
	dims       []health.Field
	rank       [meanings]uint8 // rank+1 of the alias a meaning was read from; 0: not read
	numbers    *[5]float64     // what the pointers of the Request point to
	responseID string
	errorText  string
	system     string
	answer     string // model that answered
	tool       health.ToolCall
	eval       evaluation
}

// add takes one field of the line, or all fields of an object.
func (rec *record) add(name string, v value, depth int) {
	a := meaningOf(name)
	if v.kind == object && !a.takesObject() {
		if depth < maxNested {
			fields(v.raw, func(key string, v value) { rec.add(name+"."+key, v, depth+1) })
		}
		return
	}
	if v.kind == nothing || a.meaning == nobody {
		return
	}
	if a.meaning == other {
		rec.unknown(name, v)
		return
	}
	if has := rec.rank[a.meaning]; has != 0 && has < a.rank+1 {
		return // a better name has said it
	}
	if rec.set(a.meaning, v) {
		rec.rank[a.meaning] = a.rank + 1
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
		t, ok := rec.clock.read(v.text())
		if ok {
			rec.At = t
		}
		return ok
	case aStatusCode:
		n, err := strconv.Atoi(v.raw)
		if err == nil && n >= 100 && n < 1000 {
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
		rec.Finish = finishReason(v)
		return rec.Finish != ""
	}
	return rec.setText(m, v.text())
}

func (rec *record) setText(m meaning, s string) bool {
	if s == "" {
		return false
	}
	switch m {
	case aLevel:
		rec.Level = levelValue(s)
		return rec.Level != ""
	case aLevelOTel:
		return rec.setLevel(levelOTel(s))
	case aLevelPython:
		return rec.setLevel(levelPython(s))
	case aService:
		rec.Service = s
	case aMessage:
		rec.Message = s
	case anErrorText:
		rec.errorText = s
	case anErrorType:
		rec.Error = s
	case aRequestID:
		rec.ID = s
	case aResponseID:
		rec.responseID = s
	case aTraceID:
		rec.Trace = s
	case anOperation:
		rec.Name = s
	default:
		return rec.setVersion(m, s)
	}
	return true
}

// setLevel takes a level unless a field with a name for it has said one.
func (rec *record) setLevel(l string) bool {
	if l != "" && rec.rank[aLevel] == 0 {
		rec.Level = l
	}
	return l != ""
}

func (rec *record) setVersion(m meaning, s string) bool {
	switch m {
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
	return true
}

func (rec *record) setNumber(m meaning, v value) bool {
	f, ok := v.number()
	if !ok && v.kind == text { // "1.2s", as Go programs write it
		d, err := time.ParseDuration(v.raw)
		f, ok = d.Seconds(), err == nil && (m == aDuration || m == aTTFT)
	}
	if !ok {
		return false
	}
	if rec.numbers == nil {
		rec.numbers = new([5]float64)
	}
	n := rec.numbers
	switch m {
	case aDuration:
		n[0], rec.Duration = f, &n[0]
	case aDurationMS:
		if rec.rank[aDuration] == 0 {
			n[0], rec.Duration = f/1000, &n[0]
		}
	case aTTFT:
		n[1], rec.TTFT = f, &n[1]
	case aTTFTMS:
		if rec.rank[aTTFT] == 0 {
			n[1], rec.TTFT = f/1000, &n[1]
		}
	case tokensIn:
		n[2], rec.TokensIn = f, &n[2]
	case tokensOut:
		n[3], rec.TokensOut = f, &n[3]
	case aCost:
		n[4], rec.CostUSD = f, &n[4]
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
		if s := v.text(); reason == "" || !listed(badFinish, reason) && listed(badFinish, s) {
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
func (rec *record) unknown(name string, v value) {
	if rec.flattened(name, v) || v.kind != text && v.kind != boolean || len(v.raw) > maxDim {
		return
	}
	low := strings.ToLower(name)
	if strings.HasSuffix(low, "_id") || strings.HasSuffix(low, ".id") || strings.HasSuffix(low, "uuid") ||
		strings.HasSuffix(low, "_at") || strings.HasSuffix(low, "time") {
		return
	}
	s := v.text()
	if _, isTime := rec.clock.read(s); isTime || onlyDigits(s) {
		return
	}
	for _, w := range []string{"attributes.", "resource."} {
		name = strings.TrimPrefix(name, w)
	}
	rec.dim(name, s)
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
	r := &rec.Request
	r.Message = withError(r.Message, rec.errorText)
	for _, d := range rec.dims {
		if d.Name == "model" && r.Lineage.Model == "" {
			r.Lineage.Model = firstOf(rec.answer, d.Value)
		}
	}
	if rec.answer != "" {
		if r.Lineage.Model == "" {
			r.Lineage.Model = rec.answer
		}
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
	for i, t := range r.Tools {
		if i < 8 && t.Name != "" && !hasTool(r.Tools[:i], t.Name) {
			rec.addDim("tool", t.Name)
		}
	}
}

func hasTool(tools []health.ToolCall, name string) bool {
	for _, t := range tools {
		if t.Name == name {
			return true
		}
	}
	return false
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
	r := &rec.Request
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
	for _, list := range [][]health.Field{r.Dims, r.Scores} {
		for i := range list {
			short(&list[i].Name, maxMessage)
			short(&list[i].Value, maxMessage)
		}
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
