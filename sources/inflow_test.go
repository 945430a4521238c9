package sources

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sickbay/health"
)

// gathered collects batches from several goroutines.
type gathered struct {
	records []health.Request
	lines   int
	bad     int
	dropped int
	caught  bool
	note    string
}

func (g *gathered) add(b Batch) {
	g.records = append(g.records, b.Requests...)
	g.lines, g.bad, g.dropped = g.lines+b.Lines, g.bad+b.Bad, g.dropped+b.Dropped
	g.caught, g.note = g.caught || b.CaughtUp, b.Note
}

func (g *gathered) messages() string {
	var all []string
	for _, r := range g.records {
		all = append(all, strings.ReplaceAll(r.Message, "\n", "|"))
	}
	return strings.Join(all, " ; ")
}

func TestWhatIsPipedInIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, out := io.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		var got gathered
		ended := make(chan error, 1)
		s := &stdin{name: "pipe", in: in}
		go func() { ended <- s.Follow(ctx, got.add) }()
		send := func(text string) { _, _ = io.WriteString(out, text); time.Sleep(time.Second); synctest.Wait() }
		send(`{"message":"a"}` + "\n" + `{"mess`)
		send(`age":"b"}` + "\nERROR: plain\n  more\n")
		if want := "a ; b ; plain|  more"; got.messages() != want || !got.caught || got.lines != 4 {
			t.Errorf("got %s, %d lines, caught up %v; want %s", got.messages(), got.lines, got.caught, want)
		}
		send(strings.Repeat("x", maxLine+100<<10) + "\n" + `{"message":"after"}` + "\nlast without an end")
		out.Close()
		time.Sleep(time.Second)
		synctest.Wait()
		if n := len(got.records); n != 6 || got.records[4].Message != "after" || got.records[5].Message != "last without an end" || got.note != "the input has ended" {
			t.Errorf("%d records, note %q", n, got.note)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestWhoWritesIsNeverKeptWaiting(t *testing.T) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	release, ended := make(chan struct{}), make(chan struct{})
	var got gathered
	var lines, dropped atomic.Int64
	s := &stdin{name: "pipe", in: in}
	go func() {
		defer close(ended)
		_ = s.Follow(ctx, func(b Batch) {
			<-release // the engine is busy
			got.add(b)
			lines.Add(int64(b.Lines))
			dropped.Add(int64(b.Dropped))
		})
	}()
	const n = 300_000
	line := `{"message":"` + strings.Repeat("x", 100) + `","request_id":"r%06d"}` + "\n"
	for i := range n { // 40 MB: it would block for good if nobody read
		fmt.Fprintf(out, line, i)
	}
	out.Close()
	close(release)
	for patience := 0; lines.Load()+dropped.Load() < n && patience < 2000; patience++ {
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	<-ended
	if got.lines+got.dropped != n || got.dropped < n/2 {
		t.Errorf("%d lines and %d dropped, of %d", got.lines, got.dropped, n)
	}
	if last := got.records[len(got.records)-1].ID; last != fmt.Sprintf("r%06d", n-1) {
		t.Errorf("the newest is %s: the oldest should be dropped", last)
	}
}
