package logs

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// rebuild decodes a value with fields and items alone.
func rebuild(v value) (any, bool) {
	switch v.kind {
	case object:
		m, ok := map[string]any{}, true
		whole := fields(v.raw, func(key string, v value) {
			var good bool
			m[key], good = rebuild(v)
			ok = ok && good
		})
		return m, ok && whole
	case list:
		l, ok := []any{}, true
		whole := items(v.raw, func(v value) {
			item, good := rebuild(v)
			l = append(l, item)
			ok = ok && good
		})
		return l, ok && whole
	case text:
		return v.text(), true
	case number:
		return v.number()
	case boolean:
		return v.raw == "true", true
	}
	return nil, true
}

func FuzzScannerAgreesWithEncodingJSON(f *testing.F) {
	for _, s := range []string{
		`{}`, ` { "a" : 1 , "b" : [ true , null , -1.5e3 , {} , [] ] } `, `{"a":"x\"y\\","b":"\ud83d\ude00 \ud800 \u00e9\/"}`,
		`{"a":1,"a":2}`, `{"a":{"b":{"c":"d"}}}`, `{"a":1,}`, `{"a" 1}`, `{"a":tru}`, `{"a":"\u12"}`, `{"a":"`, `{"a":[}`, `{`, `{"a":"\`,
		strings.Repeat(`{"a":[`, 30) + "1" + strings.Repeat(`]}`, 30), strings.Repeat("[", 200), `{"a":1} x`, `{"a":--1}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := rebuild(value{object, false, s})
		var want map[string]any
		if json.Unmarshal([]byte(s), &want) != nil || want == nil || !utf8.ValidString(s) {
			return // not an object for encoding/json; ours may be more patient
		}
		if !ok {
			if strings.Count(s, "{")+strings.Count(s, "[") > maxDepth {
				return
			}
			t.Fatalf("%q is JSON and was refused", s)
		}
		if !reflect.DeepEqual(got, any(want)) {
			t.Fatalf("%q: %#v, want %#v", s, got, want)
		}
	})
}

func TestWhatIsNotJSONIsRefused(t *testing.T) {
	for _, s := range []string{
		"", "x", "{", `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a" 1}`, `{a:1}`, `{"a":1 "b":2}`, `{"a":"b`, `{"a":"b\`, `{"a":tru}`, `{"a":[1}`,
		`{"a":1}}`, `{"a":1} trailing`, `[1]`, strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 70),
	} {
		if fields(s, func(string, value) {}) {
			t.Errorf("%q was taken for an object", s)
		}
	}
}

func TestAStringFullOfEscapesIsReadInLinearTime(t *testing.T) {
	line := `{"a":"` + strings.Repeat(`\n`, 1<<20) + `"}`
	var got string
	if !fields(line, func(_ string, v value) { got = v.text() }) || len(got) != 1<<20 {
		t.Errorf("read %d bytes", len(got))
	}
}
