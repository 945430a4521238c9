package logs

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"sickbay/health"
)

func slim(p *Parser, line string) health.Request {
	var r health.Request
	p.Slim(&r, line)
	return r
}

func full(r health.Request) health.Request { return Options{}.Full(r) }

func TestASlimRecordHasAllButItsContent(t *testing.T) {
	got := slim(parser(), whole)
	if got.Prompt+got.Answer != "" || len(got.Chunks) != 1 || got.Chunks[0].Text != "" || *got.Chunks[0].Score != 0.61 || len(got.Tools) != 1 {
		t.Errorf("not slim: %+v", got)
	}
	want, _ := parser().Parse([]byte(whole))
	if all := full(got); !reflect.DeepEqual(all, want) {
		t.Errorf("got  %+v\nwant %+v", all, want)
	}
}

func TestWhatIsIgnoredStaysIgnoredInAnOpenedRecord(t *testing.T) {
	o := Options{Fields: map[string]string{"prompt": "ignore"}}
	r := slim(NewParser(o), `{"message":"m","prompt":"hello","answer":"yes"}`)
	if r = o.Full(r); r.Prompt != "" || r.Answer != "yes" {
		t.Errorf("prompt %q, answer %q", r.Prompt, r.Answer)
	}
}

func TestALineTooLongToBeKeptIsNotSlim(t *testing.T) {
	long := `{"message":"m","prompt":"` + strings.Repeat("x", 100<<10) + `","answer":"yes"}`
	if r := slim(parser(), long); r.Answer != "yes" || len(r.Prompt) > maxContent || len(r.Raw) > maxRaw {
		t.Errorf("answer %q, prompt of %d bytes, raw of %d", r.Answer, len(r.Prompt), len(r.Raw))
	}
}

func TestAParserKnowsAgainWhatItHasSeen(t *testing.T) {
	p := parser()
	for i, line := range []string{
		`{"message":"a","level":"info","x":{"y":"1st","message":"no"},"z":"last"}`,
		`{"level":"warn","message":"b","z":"other","x":{"z":"3rd"}}`,
		`{"message":"c"}`,
		`{"x":{"y":"2nd"},"mess\u0061ge":"d"}`,
		`{"x":"text now","message":"e","message":"f"}`,
		`{"a\"b":"q","message":"g"}`,
		`{"a\"b":"q","message":"g"}`,
	} {
		if got, fresh := slim(p, line), slim(parser(), line); !reflect.DeepEqual(got, fresh) {
			t.Errorf("line %d: %+v\na new parser reads %+v", i, got, fresh)
		}
	}
}

func TestAStreamWithEndlessFieldNamesIsBounded(t *testing.T) {
	p := parser()
	for i := range 3 * maxFields {
		r := slim(p, fmt.Sprintf(`{"message":"m","key-%d":{"color":"red"},"shade-%d":"blue"}`, i, i))
		if r.Message != "m" {
			t.Fatalf("line %d: %+v", i, r)
		}
	}
	if n := len(p.shape.fields); n > maxFields {
		t.Errorf("%d fields are remembered", n)
	}
}

func TestRecordsWithTheSameDimensionsShareThem(t *testing.T) {
	p := parser()
	a, b := slim(p, `{"tenant":"acme","region":"eu"}`), slim(p, `{"tenant":"acme","region":"eu","id":7}`)
	if &a.Dims[0] != &b.Dims[0] {
		t.Error("each has its own")
	}
	if c := slim(p, `{"tenant":"acme","region":"us"}`); a.Dims[1].Value != "eu" || c.Dims[1].Value != "us" {
		t.Errorf("%v became %v", a.Dims, c.Dims)
	}
}

func FuzzSlim(f *testing.F) {
	for _, s := range []string{whole, `{"message":"a","message":"b"}`, `{"message":{"text":"x"},"level":"INFO"}`, `{"a":{"b":{"message":1}}}`, `{"duration_s":1.50,"tool":"t"}`, `{"documents":[{},"",null,"x",{"text":""},{"x":1},{"text":null,"id":1}]}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		p, got := parser(), slim(parser(), line)
		for range 2 { // it remembers, and must not be any different for it
			slim(p, whole)
			if again := slim(p, line); !reflect.DeepEqual(got, again) {
				t.Fatalf("%q: %+v\na new parser reads %+v", line, again, got)
			}
		}
		if all, _ := parser().Parse([]byte(line)); len(line) <= maxRaw && !reflect.DeepEqual(full(got), all) {
			t.Fatalf("%q: %+v\nwhole   %+v", line, full(got), all)
		}
		// The last of equal names counts, as for encoding/json.
		var want struct {
			Service *string  `json:"service"`
			Took    *float64 `json:"duration_s"`
		}
		var keys map[string]json.RawMessage
		if !utf8.ValidString(line) || json.Unmarshal([]byte(line), &keys) != nil || len(keys) > 2 || json.Unmarshal([]byte(line), &want) != nil {
			return
		}
		if _, ok := keys["service"]; ok && want.Service != nil && *want.Service != "" && got.Service != *want.Service && strings.Count(line, "service") == 1 {
			t.Errorf("%q: service %q, want %q", line, got.Service, *want.Service)
		}
		if _, ok := keys["duration_s"]; ok && want.Took != nil && strings.Count(line, "duration") == 1 && (got.Duration == nil || *got.Duration != *want.Took) {
			t.Errorf("%q: duration %v, want %v", line, got.Duration, *want.Took)
		}
	})
}

func FuzzTimesAgreeWithPackageTime(f *testing.F) {
	for _, s := range []string{
		"2026-11-23T14:02:00Z", "2024-02-29T23:59:59.999999999+05:30", "2023-02-29T00:00:00Z", "0000-01-01T00:00:00Z", "1900-03-01T00:00:00-11:59",
		"2026/11/23 14:02:00", "2026-11-23 14:02:00,5", "2026-11-23T14:02:60Z", "2026-13-01T00:00:00Z", "2026-11-31T00:00:00Z", "2000-02-30 00:00:00",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := clock{now: time.Now, zone: time.UTC}.iso(s)
		if !ok {
			return // the layouts will be tried
		}
		for _, l := range layouts {
			if want, err := time.ParseInLocation(l, s, time.UTC); err == nil {
				if !got.Equal(want) {
					t.Errorf("%q: %v, want %v", s, got, want)
				}
				return
			}
		}
		if strings.Contains(s, "/") || s[10] == ' ' {
			return // a mixture that no layout has
		}
		t.Errorf("%q: %v, and package time refuses it", s, got)
	})
}

func FuzzNumbersAgreeWithStrconv(f *testing.F) {
	for _, s := range []string{"0", "-0", "1.5", "-123456789012345", "0.000000000000001", "1e5", "1.", ".5", "-", "12345678901234567890", "1.2.3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := decimal(s)
		want, err := strconv.ParseFloat(s, 64)
		if fine := err == nil && !math.IsInf(want, 0) && !math.IsNaN(want); ok != fine || ok && math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("%q: %v %v, want %v %v", s, got, ok, want, err)
		}
	})
}

func TestTheMillIsReadWithoutABadLine(t *testing.T) {
	p, m := parser(), newMill(3)
	failed := 0
	for range 3000 {
		line := string(m.line())
		var r health.Request
		if !p.Slim(&r, line) || r.Service == "" || r.At.IsZero() || r.Duration == nil || len(r.Dims) != 4 {
			t.Fatalf("%s\n%+v", line, r)
		}
		if r.Failed {
			failed++
		}
	}
	if failed < 180 || failed > 300 {
		t.Errorf("%d of 3000 failed, want about 240", failed)
	}
}
