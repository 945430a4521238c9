package logs

import "strings"

// maxFields is how many field names are remembered. A stream that has more makes
// them up: it begins to be learned anew.
const maxFields = 1024

// field is what is known of one field of a stream.
type field struct {
	key    string // as it is called in its object
	plain  bool   // key has nothing in it that is escaped in JSON
	parent int32  // whose object that is; 0: the line
	next   int32  // which field followed it last time; 0: not known
	alias
	name   string   // with the names of its parents
	dim    string   // what it is called as a dimension; "": it cannot be one
	mapped bool     // the user says what it means
	fails  []string // values with which the record has failed, as the user says
	used   int      // lines in which it was believed
}

// A shape remembers the fields of a stream: line after line has the same ones in
// the same order, so hardly any of them is ever looked up.
type shape struct {
	fields []field // the first one is the line itself
	byKey  map[fieldKey]int32
	mapped mapping // what the user says
	spare  field   // one that is not remembered
}

type fieldKey struct {
	parent int32
	key    string
}

func newShape(mapped mapping) shape {
	return shape{fields: make([]field, 1, 32), byKey: map[fieldKey]int32{}, mapped: mapped}
}

// find returns the index of a field, given the one before it. The index is -1 for
// one that is not remembered: it is in spare.
func (s *shape) find(parent int32, key string, before int32) int32 {
	n, ok := s.byKey[fieldKey{parent, key}]
	if !ok {
		n = s.learn(parent, key)
	}
	if n > 0 {
		s.fields[max(before, 0)].next = n
	}
	return n
}

// expect returns the field that came last time after the one before, if it comes
// now too, and takes its name. 0: it does not.
func (s *shape) expect(scan *scanner, parent int32, before int32) int32 {
	n := s.fields[max(before, 0)].next
	if f := &s.fields[n]; n == 0 || f.parent != parent || !f.plain || !scan.name(f.key) {
		return 0
	}
	return n
}

// bound forgets everything once it is too much. What a line means does not depend
// on what is remembered.
func (s *shape) bound() {
	if len(s.fields) >= maxFields {
		*s = newShape(s.mapped)
	}
}

func (s *shape) at(i int32) *field {
	if i < 0 {
		return &s.spare
	}
	return &s.fields[i]
}

// learn finds out what a field means that was not seen before.
func (s *shape) learn(parent int32, key string) int32 {
	key = strings.Clone(key)
	f := field{key: key, parent: parent, name: key, plain: !strings.ContainsAny(key, "\"\\")}
	if parent != 0 {
		f.name = s.at(parent).name + "." + key
	}
	s.understand(&f)
	if len(s.fields) >= maxFields || parent < 0 || len(f.name) > maxName {
		s.spare = f
		return -1
	}
	n := int32(len(s.fields))
	s.fields = append(s.fields, f)
	s.byKey[fieldKey{parent, key}] = n
	return n
}

// understand finds out what a field means: the user knows best.
func (s *shape) understand(f *field) {
	f.fails = s.mapped.fails[f.name]
	m, mapped := s.mapped.meanings[f.name]
	if f.mapped = mapped; mapped {
		f.alias = alias{meaning: m}
		if m == other {
			f.dim = f.name
		}
		return
	}
	f.alias = meaningOf(f.name)
	if f.meaning != other {
		f.rank++ // behind what the user says
		return
	}
	f.dim = dimName(f.name)
	if strings.HasPrefix(f.name, numberedPrompt) || strings.HasPrefix(f.name, numberedAnswer) {
		f.meaning = numbered
	}
}

// dimName is what a field is called as a dimension that nobody has a name for, ""
// if it has no end or says that every record has another value: an id or a time.
func dimName(name string) string {
	if len(name) > maxName {
		return ""
	}
	low := strings.ToLower(name)
	for _, end := range []string{"_id", ".id", "uuid", "_at", "time"} {
		if strings.HasSuffix(low, end) {
			return ""
		}
	}
	for _, w := range []string{"attributes.", "resource."} {
		name = strings.TrimPrefix(name, w)
	}
	return name
}

// object reads fields up to the brace that closes their object, in one pass
// together with the objects in it.
func (rec *record) object(s *scanner, parent int32, depth int) bool {
	shape := &rec.p.shape
	before := parent
	for first := true; ; first = false {
		if s.take('}') {
			return true
		}
		if !first && !s.take(',') {
			return false
		}
		this := shape.expect(s, parent, before)
		if this == 0 {
			key, ok := s.key()
			if !ok {
				return false
			}
			this = shape.find(parent, key, before)
		} else if !s.take(':') {
			return false
		}
		if before = this; this > 0 && depth < maxNested && !shape.fields[this].takesObject() && s.take('{') {
			if !rec.object(s, this, depth+1) {
				return false
			}
			continue
		}
		v, ok := s.value()
		if !ok {
			return false
		}
		if f := shape.at(this); v.kind != object || f.takesObject() {
			rec.add(f, v)
		}
	}
}
