package sources

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// serving counts what reaches a server that answers as a function says, in a
// bubble where time is free.
type serving struct {
	Source
	mu   sync.Mutex
	sent []time.Time
	do   func(n int, r *http.Request) (*http.Response, error) // n counts from 1
}

func serve(t *testing.T, section string, do func(n int, r *http.Request) (*http.Response, error)) *serving {
	s := &serving{do: do}
	s.Source = mustOpen(t, "prometheus", `url = "http://prometheus.example:9090/base"`+"\n"+section)
	serverOf(s.Source).client.Transport.(*capped).next = roundTripper(func(r *http.Request) (*http.Response, error) {
		s.mu.Lock()
		s.sent = append(s.sent, time.Now())
		n, do := len(s.sent), s.do
		s.mu.Unlock()
		return do(n, r)
	})
	return s
}

func (s *serving) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sent)
}

// burst asks n questions at once and returns what came of them.
func (s *serving) burst(ctx context.Context, n int) []error {
	errs := make([]error, n)
	var asking sync.WaitGroup
	for i := range errs {
		asking.Go(func() { _, errs[i] = s.Source.(Metrics).Instant(ctx, "up", time.Now()) })
	}
	asking.Wait()
	return errs
}

func slowly(d time.Duration, code int, body string, headers ...string) func(int, *http.Request) (*http.Response, error) {
	return func(_ int, r *http.Request) (*http.Response, error) {
		select {
		case <-time.After(d):
			return answer(r, code, body, headers...), nil
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}

func TestAServerInTroubleIsNotAskedSixtyTimesWhatOneQuestionTells(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(int, *http.Request) (*http.Response, error)
		took time.Duration
		want string
		kind error
	}{
		"503":  {slowly(time.Second, 503, "try later"), time.Second, "main: 503 service unavailable (try later): it is overloaded, or starts", ErrBusy},
		"429":  {slowly(time.Second, 429, ""), time.Second, "main: 429 too many requests: it wants fewer questions", ErrBusy},
		"401":  {slowly(time.Second, 401, ""), time.Second, "main: 401 unauthorized: it wants credentials: set authorization or basic_auth", nil},
		"hang": {slowly(time.Hour, 200, nothing), webTimeout, "main: no answer within 10s: it hangs, or timeout is too short", nil},
		"gone": {func(int, *http.Request) (*http.Response, error) {
			time.Sleep(time.Millisecond)
			return nil, errors.New("no route")
		}, time.Millisecond, "main: cannot be reached: no route", nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, "", c.do)
			began := time.Now()
			for _, err := range s.burst(t.Context(), 60) {
				if err == nil || err.Error() != c.want || c.kind != nil && !errors.Is(err, c.kind) || errors.Is(err, ErrRefused) {
					t.Errorf("%s: %v, want %s", name, err, c.want)
				}
			}
			if took := time.Since(began); s.count() != webSlots || took != c.took {
				t.Errorf("%s: %d questions were sent, and it took %v", name, s.count(), took)
			}
			s.do = slowly(0, 200, nothing)
			if err := errors.Join(s.burst(t.Context(), 60)...); err != nil {
				t.Errorf("%s: when it is back: %v", name, err)
			}
		})
	}
}

func TestOneQuestionThatIsTooMuchDoesNotSendTheOthersAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, "concurrency = 2", func(n int, r *http.Request) (*http.Response, error) {
			if n == 1 {
				return slowly(time.Hour, 200, nothing)(n, r)
			}
			return slowly(time.Second, 200, nothing)(n, r)
		})
		failed := 0
		for _, err := range s.burst(t.Context(), 30) {
			if err != nil {
				failed++
			}
		}
		if failed != 1 || s.count() != 30 {
			t.Errorf("%d of 30 failed, %d were sent", failed, s.count())
		}
	})
}

func TestAServerIsLeftAloneForAsLongAsItSays(t *testing.T) {
	after := func(d time.Duration) string { return strconv.FormatInt(time.Now().Add(d).Unix(), 10) }
	for name, c := range map[string]struct {
		code    int
		headers func() []string
		atLeast time.Duration
	}{
		"seconds": {429, func() []string { return []string{"Retry-After", "30"} }, 30 * time.Second},
		"a date": {503, func() []string {
			return []string{"Retry-After", time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)}
		}, time.Minute},
		"longer than wise": {503, func() []string { return []string{"Retry-After", "86400"} }, maxPeace},
		"the questions of the hour are spent": {429, func() []string {
			return []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", after(40 * time.Minute)}
		}, 40 * time.Minute},
		"spent, and too many at once": {429, func() []string {
			return []string{"Retry-After", "60", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", after(time.Hour)}
		}, time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, "", slowly(0, c.code, "", c.headers()...))
			err := s.burst(t.Context(), 1)[0]
			var busy *Busy
			if !errors.As(err, &busy) || !errors.Is(err, ErrBusy) || busy.After < c.atLeast || busy.After > c.atLeast*11/10 {
				t.Fatalf("%s: %#v", name, err)
			}
			if want := fmt.Sprintf("it wants to be left alone for %v", c.atLeast); !strings.HasSuffix(err.Error(), want) {
				t.Errorf("%s: %v, want %s", name, err, want)
			}
			s.do = slowly(0, 200, nothing)
			time.Sleep(busy.After - time.Millisecond)
			for _, err := range s.burst(t.Context(), 10) {
				var still *Busy
				if !errors.As(err, &still) || still.After != time.Millisecond || !strings.Contains(err.Error(), " until ") {
					t.Errorf("%s: asked too early: %v", name, err)
				}
			}
			if s.count() != 1 {
				t.Errorf("%s: %d questions were sent while it wanted peace", name, s.count())
			}
			time.Sleep(time.Millisecond)
			if err := errors.Join(s.burst(t.Context(), 10)...); err != nil {
				t.Errorf("%s: after its time: %v", name, err)
			}
		})
	}
}

func TestPeaceIsJittered(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 100 {
		d := jittered(time.Minute)
		if d < time.Minute || d > 66*time.Second {
			t.Fatal(d)
		}
		seen[d] = true
	}
	if len(seen) < 50 {
		t.Errorf("%d different pauses of 100", len(seen))
	}
}

func TestQuestionsAMinuteAreBoundedAndNoneIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, "max_queries_per_minute = 60", slowly(0, 200, nothing))
		began := time.Now()
		var asking sync.WaitGroup
		for range 150 {
			asking.Go(func() {
				if _, err := s.Source.(Metrics).Instant(t.Context(), "up", time.Now()); err != nil {
					t.Error(err)
				}
			})
		}
		for _, want := range []int{60, 120, 150} {
			synctest.Wait()
			if got := s.count(); got != want {
				t.Errorf("after %v %d questions had been sent, want %d", time.Since(began), got, want)
			}
			if u := s.Source.(Used).Usage(); u.PerMinute != want-int(time.Since(began).Minutes())*60 || u.PerMinuteMax != 60 {
				t.Errorf("after %v: %+v", time.Since(began), u)
			}
			time.Sleep(time.Minute)
		}
		asking.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		for i := 60; i < len(s.sent); i++ {
			if d := s.sent[i].Sub(s.sent[i-60]); d < time.Minute {
				t.Errorf("questions %d to %d were sent within %v", i-60, i, d)
			}
		}
		if u := s.Source.(Used).Usage(); u.PerMinute != 0 {
			t.Errorf("after a quiet minute %d are counted", u.PerMinute)
		}
	})
}

func TestWhoeverGivesUpWhileWaitingLetsTheOthersThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, "max_queries_per_minute = 1\nconcurrency = 1", slowly(0, 200, nothing))
		if err := s.burst(t.Context(), 1)[0]; err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for _, err := range s.burst(ctx, 3) {
			if !errors.Is(err, context.DeadlineExceeded) || err.Error() != "main: context deadline exceeded" {
				t.Error(err)
			}
		}
		time.Sleep(2 * time.Minute)
		if err := s.burst(t.Context(), 1)[0]; err != nil || s.count() != 2 {
			t.Errorf("%v after %d questions", err, s.count())
		}
	})
}
