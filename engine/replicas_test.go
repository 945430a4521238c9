package engine

import (
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

func TestAMissingReplicaMakesTheValuesPartialForAQuarterOfAnHour(t *testing.T) {
	inWard(t, nil, func(w ward) {
		w.fake.set(func(f *fake) { f.pods = map[string]float64{"a": 0, "b": 0, "c": 0} })
		v := w.Join()
		w.later(time.Second)
		if s, _ := v.Snapshot().Service("chat"); s.Replicas.Now != 3 || s.Signal("errors").State != health.Fresh {
			t.Fatalf("with all of them: %+v, %v", s.Replicas, s.Signal("errors").State)
		}
		w.fake.set(func(f *fake) { delete(f.pods, "b") })
		w.later(time.Minute)
		s, _ := v.Snapshot().Service("chat")
		if sig := s.Signal("errors"); sig.State != health.Partial || sig.Note != "2 of 3 replicas report" {
			t.Errorf("one gone: %v, %q", sig.State, sig.Note)
		}
		w.later(20 * time.Minute)
		if s, _ := v.Snapshot().Service("chat"); s.Signal("errors").State != health.Fresh || s.Replicas.Most != 2 {
			t.Errorf("scaled down for twenty minutes: %v, %+v", s.Signal("errors").State, s.Replicas)
		}
	})
}

func TestTheReplicaUnlikeTheOthersIsNamedOnceItsServiceIsOpen(t *testing.T) {
	inWard(t, nil, func(w ward) {
		w.fake.set(func(f *fake) { f.pods = map[string]float64{"a": 0.01, "b": 0.4, "c": 0.02} })
		v := w.Join()
		w.later(time.Second)
		if s, _ := v.Snapshot().Service("chat"); len(s.Replicas.Each) != 0 {
			t.Error("replicas were compared with nothing open")
		}
		v.Want(health.Interest{Service: "chat"})
		w.later(time.Second)
		s, _ := v.Snapshot().Service("chat")
		for _, r := range s.Replicas.Each {
			if odd := r.Deviant != ""; odd != (r.Name == "b") {
				t.Errorf("%s: %q", r.Name, r.Deviant)
			}
		}
		for _, q := range w.fake.log() {
			if strings.Contains(q, replicaLabels+")") && strings.Contains(q, "instant") && !strings.Contains(q, `service=~"chat"`) {
				t.Errorf("asked for the replicas of everybody: %s", q)
			}
		}
	})
}

func TestWhatCountsAsUnlikeTheOthers(t *testing.T) {
	for _, c := range []struct {
		name   string
		v      float64
		others []float64
		odd    bool
	}{
		{"much slower than two that agree", 9, []float64{2, 2.1}, true},
		{"a little slower", 2.2, []float64{2, 2.1}, false},
		{"slower, but they all differ", 9, []float64{2, 6}, false},
		{"faster is not ill", 0.2, []float64{2, 2}, false},
		{"of two, the worse", 9, []float64{2}, true},
		{"alone", 9, nil, false},
		{"next to nothing", 0.004, []float64{0, 0}, false},
	} {
		if _, odd := unlike(c.v, c.others, 1.5); odd != c.odd {
			t.Errorf("%s: %v, want %v", c.name, odd, c.odd)
		}
	}
}

func TestRatesAreTakenOverAtLeastFourScrapes(t *testing.T) {
	for every, want := range map[float64]string{0: "[60s]", 5: "[60s]", 15: "[60s]", 60: "[240s]"} {
		inWard(t, nil, func(w ward) {
			w.fake.set(func(f *fake) { f.every = every })
			w.Join()
			w.later(time.Second)
			// The newest minutes, and what was before.
			if log := w.fake.log(); counted(log, "range errors by (service) "+want) != 2 || counted(log, "range errors") != 2 {
				t.Errorf("scraped every %v s: %v, want rates over %s", every, log, want)
			}
		})
	}
}
