package engine

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sickbay/health"
	"sickbay/sources"
)

// mortal is a Prometheus of which fraud was there from a time to another, and chat since.
type mortal struct {
	*fake
	from, to time.Time
	mute     atomic.Bool // it does not say what there was
}

func (f *mortal) alive(service string, t time.Time) bool {
	return service == "chat" && t.After(f.to) || service == "fraud" && !t.Before(f.from) && !t.After(f.to)
}

func (f *mortal) Instant(ctx context.Context, expr string, at time.Time) (sources.Answer, error) {
	a, err := f.fake.Instant(ctx, expr, at)
	if f.mute.Load() && strings.Contains(expr, "last_over_time") {
		return sources.Answer{}, errors.New("main: 422: too many samples")
	}
	var there []sources.Series
	for _, s := range a.Series {
		back := at
		if strings.Contains(expr, "last_over_time") {
			back = at.Add(-time.Hour)
		}
		for t := back; !t.After(at); t = t.Add(time.Minute) {
			if f.alive(s.Labels["service"], t) {
				there = append(there, s)
				break
			}
		}
	}
	a.Series = there
	return a, err
}

func withMortal(t *testing.T, lived, ago time.Duration, test func(*mortal, *Viewer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		end := time.Now().Add(-ago)
		m := &mortal{fake: &fake{name: "main"}, from: end.Add(-lived), to: end}
		m.says(func(service string, t time.Time) (float64, bool) { return 0.001, m.alive(service, t) })
		e := New(Options{Sources: []sources.Source{m}, Packs: onePack()})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); e.Run(ctx) }()
		defer func() { cancel(); <-done }()
		test(m, e.Join())
	})
}

func TestTheClockSetBackShowsWhatExistedThen(t *testing.T) {
	withMortal(t, 2*time.Hour, 5*time.Hour, func(m *mortal, v *Viewer) {
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if _, there := v.Snapshot().Service("fraud"); there {
			t.Fatal("what was gone for five hours is on the screen")
		}
		for name, at := range map[string]time.Time{"fraud": m.to.Add(-time.Hour), "chat": m.to.Add(2 * time.Hour)} {
			v.Want(health.Interest{Lens: health.Lens{Window: time.Hour, At: at.Truncate(time.Minute)}})
			time.Sleep(5 * time.Second)
			synctest.Wait()
			s := v.Snapshot()
			if len(s.Services) != 1 || s.Services[0].Name != name || s.Services[0].Status != health.OK || s.Asking {
				t.Errorf("at %v: %v, asking %v; only %s was there, and well", at, s.Services, s.Asking, name)
			}
		}
	})
}

func TestOfAPastThatAServerDoesNotTellOfWhatThereIsNowIsShown(t *testing.T) {
	withMortal(t, 2*time.Hour, 5*time.Hour, func(m *mortal, v *Viewer) {
		m.mute.Store(true)
		v.Want(health.Interest{Lens: health.Lens{Window: time.Hour, At: m.to.Add(2 * time.Hour).Truncate(time.Minute)}})
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := v.Snapshot(); len(s.Services) != 1 || s.Services[0].Name != "chat" || s.Services[0].Status != health.OK {
			t.Errorf("%v, not chat, which was well", s.Services)
		}
	})
}

func TestWhoSaysNotANumberIsNotGone(t *testing.T) {
	now := time.Now()
	absent, nan := health.Signal{State: health.Absent}, health.Signal{State: health.NaN, At: now}
	stale := health.Signal{State: health.Stale, At: now.Add(-time.Minute)}
	for name, c := range map[string]struct {
		signals []health.Signal
		gone    time.Time
	}{
		"no number":        {[]health.Signal{absent, nan}, time.Time{}},
		"nothing any more": {[]health.Signal{absent, stale}, stale.At},
		"nothing ever":     {[]health.Signal{absent}, time.Time{}},
	} {
		if got := gone(c.signals); !got.Equal(c.gone) {
			t.Errorf("%s: gone since %v, want %v", name, got, c.gone)
		}
	}
}

func TestAServiceThatWasGoneBeforeWeCameIsMissed(t *testing.T) {
	withMortal(t, 2*time.Hour, 20*time.Minute, func(m *mortal, v *Viewer) {
		time.Sleep(5 * time.Second)
		synctest.Wait()
		s, there := v.Snapshot().Service("fraud")
		if !there || s.Gone.IsZero() || s.Gone.Sub(m.to).Abs() > time.Minute || s.Status == health.OK {
			t.Errorf("there %v, gone since %v (it was %v), status %v", there, s.Gone, m.to, s.Status)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := counted(m.log(), "instant count by") - counted(m.log(), "instant count by (service) (count"); n < 10 || n > 14 {
			t.Errorf("asked %d times what there is in ten minutes", n)
		}
		if n := strings.Count(strings.Join(m.log(), "\n"), "last_over_time"); n != 1 {
			t.Errorf("asked %d times what there was", n)
		}
	})
}
