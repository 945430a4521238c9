package health

import (
	"encoding/json"
	"math"
	"reflect"
	"sort"
	"strings"
	"testing"
	"time"
)

// promise is the JSON of design section 4, key by key.
var promise = map[string]string{
	"":                              "alerts at changes failures rollbacks services sources window",
	"sources[]":                     "age_s behind_bytes dropped error kind lag_s lines lines_per_second name ok unreadable",
	"services[]":                    "drift kind name reasons rollback signals since status suspects version",
	"services[].reasons[]":          "limit signal status text value",
	"services[].signals[]":          "age_s id state status title unit value",
	"services[].drift[]":            "against band detectable feature gap high kind level low n_current n_reference near note onset outcome p psi_adj score signal since status tool",
	"services[].suspects[]":         "at change evidence from kind label rank ruled_out score service to",
	"services[].rollback":           "targets",
	"services[].rollback.targets[]": "back blocked current kind name notice previous ready rehearsed",
	"failures[]":                    "count example first id in_common last service signature state",
	"changes[]":                     "at from id kind service text to",
	"alerts[]":                      "name service severity since state",
	"rollbacks[]":                   "at by from id reason requests service share_after share_before state target to",
}

func TestADocumentSaysOfLogsHowFarBehindTheyAre(t *testing.T) {
	s := Snapshot{Sources: []SourceState{
		{Name: "main"}, {Name: "quiet", Log: true}, {Name: "busy", Log: true, Lines: 7, LinesPerSecond: 3.5, Lag: Num(0.25), Behind: 9, Dropped: 2, BadLines: 1},
	}}
	raw, err := json.Marshal(s.Document(time.Unix(1e9, 0)).Sources)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"name":"main","kind":"","ok":false,"age_s":null,"error":null,"lines":null,"lines_per_second":null,"lag_s":null,"behind_bytes":null,"dropped":null,"unreadable":null`,
		`"lines":0,"lines_per_second":0,"lag_s":null,"behind_bytes":0,"dropped":0,"unreadable":0`,
		`"lines":7,"lines_per_second":3.5,"lag_s":0.25,"behind_bytes":9,"dropped":2,"unreadable":1`,
	} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("no %s in %s", want, raw)
		}
	}
}

// full has one of everything, with numbers that JSON cannot say.
func full() *Snapshot {
	nan := math.NaN()
	return &Snapshot{
		At: time.Unix(1e9, 0), Window: time.Hour,
		Sources: []SourceState{{Name: "main"}},
		Services: []Service{{
			Name: "a", Findings: []Finding{{Value: &nan}}, Signals: []Signal{{State: Fresh, Value: math.Inf(1)}},
			Drift: []Drift{{NRef: nan}}, Suspects: []Suspect{{Score: nan}}, Targets: []Target{{}},
		}},
		Failures: []Failure{{}}, Changes: []Change{{}}, Alerts: []Alert{{}}, Rollbacks: []Rollback{{}},
	}
}

func TestTheDocumentHasExactlyThePromisedKeys(t *testing.T) {
	for name, s := range map[string]*Snapshot{"full": full()} {
		raw, err := json.Marshal(s.Document(time.Unix(1e9+60, 0)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		keysOf("", v, got)
		if !reflect.DeepEqual(got, promise) {
			for path, want := range promise {
				if got[path] != want {
					t.Errorf("%q: keys %q, promised %q", path, got[path], want)
				}
			}
			for path := range got {
				if promise[path] == "" {
					t.Errorf("%q was never promised", path)
				}
			}
		}
	}
}

func TestListsInTheDocumentAreNeverNull(t *testing.T) {
	for name, s := range map[string]*Snapshot{"empty": {}, "full": full()} {
		raw, err := json.Marshal(s.Document(time.Now()))
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range strings.Fields("sources services failures changes alerts rollbacks reasons signals drift suspects targets previous evidence in_common") {
			if strings.Contains(string(raw), `"`+key+`":null`) {
				t.Errorf("%s: %s is null", name, key)
			}
		}
	}
}

func TestAValueThatIsNotKnownIsNull(t *testing.T) {
	for state, known := range map[State]bool{Absent: false, Fresh: true, Stale: true, NaN: false, Unreachable: false, Partial: true} {
		s := Snapshot{Services: []Service{{Signals: []Signal{{Value: 7, State: state}}}}}
		if got := s.Document(time.Now()).Services[0].Signals[0].Value; (got != nil) != known {
			t.Errorf("%v: value known = %v, want %v", state, got != nil, known)
		}
	}
}

func keysOf(path string, v any, into map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		var keys []string
		for k, child := range v {
			keys = append(keys, k)
			keysOf(strings.TrimPrefix(path+"."+k, "."), child, into)
		}
		sort.Strings(keys)
		into[path] = strings.Join(keys, " ")
	case []any:
		for _, child := range v {
			if _, ok := child.(map[string]any); ok {
				keysOf(path+"[]", child, into)
			}
		}
	}
}
