package engine

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"sickbay/health"
	"sickbay/sources"
)

// slimStream is a log source whose records lack their content until it is put in.
type slimStream struct{ stream }

func (slimStream) Full(r health.Request) health.Request {
	r.Prompt, r.Answer = "prompt of "+r.ID, "answer to "+r.ID
	return r
}

func TestAnOpenedRequestAndItsNeighbourHaveTheirContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := slimStream{stream{make(chan sources.Batch, 1)}}
		f := &fake{name: "main", value: func(string, time.Time) (float64, bool) { return 0.001, true }}
		e := New(Options{Sources: []sources.Source{f, s}, Packs: onePack()})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); e.Run(ctx) }()
		b := sources.Batch{CaughtUp: true}
		for i := range 6 {
			b.Requests = append(b.Requests, health.Request{ID: fmt.Sprint("r", i), Service: "chat", Failed: i%2 == 0, Error: "timeout"[:7*(1-i%2)], Message: "m", At: time.Now().Add(time.Duration(i-60) * time.Second)})
		}
		s.batches <- b
		v := e.Join()
		time.Sleep(2 * time.Second)
		if r := v.Snapshot().Requests["r4"]; r.ID == "" || r.Prompt != "" || !r.Reading {
			t.Errorf("an example of the list: %+v", r)
		}
		before := v.Snapshot().Version
		open(v, "r4")
		time.Sleep(time.Second)
		synctest.Wait()
		for _, id := range []string{"r4", "r3"} {
			if r := v.Snapshot().Requests[id]; r.Prompt != "prompt of "+id || r.Answer != "answer to "+id || r.Reading {
				t.Errorf("%s is open or beside it: %+v", id, r)
			}
		}
		if n := v.Snapshot().Version - before; n != 1 {
			t.Errorf("%d pictures for one that is opened", n)
		}
		cancel()
		<-done
	})
}

// farStream is a log source whose lines stand elsewhere; reading one takes a while.
type farStream struct{ stream }

func (farStream) Reread(ctx context.Context, r health.Request) (health.Request, error) {
	select {
	case <-time.After(3 * time.Second):
	case <-ctx.Done():
		return r, ctx.Err()
	}
	if r.ID == "gone" {
		return r, errors.New("far: its line is not in a.log any more")
	}
	r.Raw, r.Prompt = "{}", "prompt of "+r.ID
	return r, nil
}

func TestAnOpenedRequestIsReadAgainWhereItStandsAndNobodyWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := farStream{stream{make(chan sources.Batch, 1)}}
		e := New(Options{Sources: []sources.Source{s}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); e.Run(ctx) }()
		b := sources.Batch{CaughtUp: true}
		for i, id := range []string{"there", "gone"} {
			b.Requests = append(b.Requests, health.Request{ID: id, Service: "chat", Failed: true, Error: "timeout", At: time.Now().Add(time.Duration(i-60) * time.Second), Raw: "{}", Origin: "a.log", Length: 2})
		}
		s.batches <- b
		v := e.Join()
		time.Sleep(2 * time.Second)
		open(v, "there")
		time.Sleep(time.Second)
		if r := v.Snapshot().Requests["there"]; r.ID == "" || r.Raw != "" || !r.Reading || r.Unread != "" {
			t.Errorf("while it is read: %+v", r)
		}
		time.Sleep(3 * time.Second)
		if r := v.Snapshot().Requests["there"]; r.Prompt != "prompt of there" || r.Reading || r.Group == "" {
			t.Errorf("when it was read: %+v", r)
		}
		open(v, "gone")
		time.Sleep(4 * time.Second)
		if r := v.Snapshot().Requests["gone"]; r.Unread != "far: its line is not in a.log any more" || r.Reading || r.Error != "timeout" {
			t.Errorf("what is not there any more: %+v", r)
		}
		open(v, "there")
		time.Sleep(time.Second)
		if r := v.Snapshot().Requests["there"]; r.Prompt == "" {
			t.Errorf("opened for the second time it is read anew: %+v", r)
		}
		cancel()
		<-done
	})
}
