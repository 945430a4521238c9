package engine

import (
	"testing"
	"time"

	"sickbay/health"
	"sickbay/sources"
)

func TestALogTellsItsLagItsRateAndWhatIsMissingOfIt(t *testing.T) {
	now := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	e := New(Options{Now: func() time.Time { return now }})
	log := &tail{}
	e.tails = append(e.tails, log)
	come := func(b sources.Batch, ago ...time.Duration) health.SourceState {
		for _, d := range ago {
			b.Requests = append(b.Requests, health.Request{At: now.Add(-d)})
		}
		e.read(batch{from: log, Batch: b})
		return e.sources()[0]
	}
	if st := come(sources.Batch{Lines: 5000, Behind: 1 << 20}, time.Hour); !st.Reading || st.Lag != nil || st.LinesPerSecond != 0 || st.Behind != 1<<20 {
		t.Errorf("while history is read: %+v", st)
	}
	if st := come(sources.Batch{Lines: 1000, CaughtUp: true}, time.Minute); st.Reading || st.Lag != nil || st.LinesPerSecond != 0 || st.Behind != 0 || st.Lines != 6000 {
		t.Errorf("with all of history: %+v", st)
	}
	now = now.Add(10 * time.Second)
	st := come(sources.Batch{Lines: 200, Dropped: 7, Bad: 3, Behind: 4096}, 2*time.Second, 500*time.Millisecond, time.Minute)
	if st.Lag == nil || *st.Lag != 0.5 || st.LinesPerSecond != 20 || st.Dropped != 7 || st.BadLines != 3 || st.Behind != 4096 {
		t.Errorf("while it is followed: %+v", st)
	}
	now = now.Add(50 * time.Second)
	if st := e.sources()[0]; st.LinesPerSecond < 3.3 || st.LinesPerSecond > 3.4 || *st.Lag != 0.5 {
		t.Errorf("nearly a minute later: %+v", st)
	}
	now = now.Add(11 * time.Second)
	if st := e.sources()[0]; st.LinesPerSecond != 0 {
		t.Errorf("%v lines a second, and none came for a minute", st.LinesPerSecond)
	}
	if st := come(sources.Batch{Lines: 1}, -time.Hour); *st.Lag != 0 {
		t.Errorf("a record from the future lags by %v s", *st.Lag)
	}
}
