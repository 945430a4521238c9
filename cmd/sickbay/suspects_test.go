package main

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"sickbay/demo"
)

// suspect is one of a document's.
type suspect struct {
	Label, Kind string
	Score       float64
	From, To    *string
	Evidence    []string
}

// truth is what the demo knows and an operator has to find out.
type truth struct {
	Guilty         *string
	Kind, From, To string
	At             *time.Time
	Rollback       *struct{ Service, Kind, To string }
}

func TestTheTrueCauseOfEveryScenarioIsSuspectedFirst(t *testing.T) {
	t.Parallel()
	for _, s := range demo.Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			info := stack(t, s.Name)
			truth := truthOf(t, info.Control)
			var picture struct {
				Services []struct {
					Name     string
					Suspects []suspect
				}
			}
			out := documentOf(t, s.Name)
			if err := json.Unmarshal([]byte(out), &picture); err != nil {
				t.Fatal(err)
			}
			for _, v := range picture.Services {
				for _, x := range v.Suspects {
					sums(t, x)
				}
				if truth.Guilty != nil && v.Name == *truth.Guilty {
					first(t, v.Suspects, truth)
				} else if len(v.Suspects) > 0 && v.Suspects[0].Label == "strong" && truth.Guilty == nil {
					t.Errorf("%s: nothing is wrong, and strongly suspected is %+v", v.Name, v.Suspects[0])
				}
			}
		})
	}
}

func first(t *testing.T, suspects []suspect, truth truth) {
	t.Helper()
	if len(suspects) == 0 {
		t.Fatal("nobody is suspected")
	}
	best := suspects[0]
	right := best.Kind == truth.Kind
	if truth.Rollback != nil {
		right = right && best.To != nil && *best.To == truth.To
	}
	if !right || best.Label != "strong" {
		t.Errorf("first is %s %s, want %s to %s, strong", best.Label, best.Kind, truth.Kind, truth.To)
		for _, x := range suspects {
			t.Logf("%+.1f %s %s\n\t%s", x.Score, x.Label, x.Kind, strings.Join(x.Evidence, "\n\t"))
		}
	}
}

// sums says that the score is the sum of its lines.
func sums(t *testing.T, x suspect) {
	t.Helper()
	sum := 0.0
	for _, line := range x.Evidence {
		points, _, _ := strings.Cut(line, "  ")
		v, err := strconv.ParseFloat(points, 64)
		if err != nil {
			return // ruled out: a reason, no points
		}
		sum += v
	}
	if d := sum - x.Score; d > 1e-6 || d < -1e-6 {
		t.Errorf("%v is not the sum of %q", x.Score, x.Evidence)
	}
}

func truthOf(t *testing.T, control string) truth {
	t.Helper()
	a, err := http.Get(control + "/truth")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	var v truth
	if err := json.NewDecoder(a.Body).Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}
