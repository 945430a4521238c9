package engine

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"sickbay/health"
	"sickbay/rollback"
	"sickbay/sources"
)

// keeper is a source that keeps silences.
type keeper struct {
	made, ended []string
	err         error
}

func (k *keeper) Name() string { return "alerts" }
func (k *keeper) Close() error { return nil }
func (k *keeper) Silences(context.Context) ([]health.Silence, error) {
	return []health.Silence{{ID: "s-1", Comment: "mail ann@example.org", Ends: at(100)}}, nil
}
func (k *keeper) Silence(_ context.Context, s health.Silence) (string, error) {
	k.made = append(k.made, s.By+": "+s.Comment)
	return "s-2", k.err
}
func (k *keeper) Expire(_ context.Context, id string) error {
	k.ended = append(k.ended, id)
	return k.err
}

// noted is a desk that writes notes, if it can.
type noted struct {
	notes []string
	err   error
}

func (n *noted) Run(ctx context.Context, _ rollback.Witness) { <-ctx.Done() }
func (n *noted) Targets() []health.Target                    { return nil }
func (n *noted) Plan(context.Context, string, string, []health.Symptom) (health.Plan, error) {
	return health.Plan{}, nil
}
func (n *noted) Submit(o health.Order) (string, error) {
	if n.err == nil {
		n.notes = append(n.notes, o.Reason)
	}
	return "", n.err
}
func (n *noted) Operations() []health.Rollback { return nil }
func (n *noted) Entries(int) []health.Entry    { return nil }
func (n *noted) Changed() <-chan struct{}      { return nil }

func TestASilenceIsWrittenDownBeforeItIsAskedFor(t *testing.T) {
	order := health.Order{
		Do: health.DoSilence, By: health.Actor{User: "ann"},
		Silence: health.Silence{Comment: "being rolled back", Matchers: []health.Matcher{{Name: "alertname", Value: "Slow"}}, Starts: at(0), Ends: at(60)},
	}
	refused := fmt.Errorf("alerts: %w", sources.ErrRefused)
	for name, c := range map[string]struct {
		write     bool
		ward, log error
		change    func(*health.Order)
		notes     []string
		made      int
		want      string // the error
	}{
		"done":  {write: true, notes: []string{`asking for a silence of {alertname="Slow"}`, "done: "}, made: 1},
		"ended": {write: true, change: func(o *health.Order) { o.Do, o.Silence.ID, o.Reason = health.DoExpire, "s-1", "it is over" }, notes: []string{`asking to end the silence of {alertname="Slow"} at alerts (s-1): it is over`, "done: "}},
		"ended, not known of what": {write: true, change: func(o *health.Order) {
			o.Do, o.Silence, o.Reason = health.DoExpire, health.Silence{ID: "s-1"}, "it is over"
		}, notes: []string{"asking to end the silence s-1 of alerts: it is over", "done: "}},
		"refused":        {write: true, ward: refused, notes: []string{"asking for", "refused: "}, made: 1, want: "alerts: "},
		"no answer":      {write: true, ward: context.DeadlineExceeded, notes: []string{"asking for", "not known whether it was done"}, made: 1, want: "deadline"},
		"no journal":     {write: true, log: fmt.Errorf("disk full"), want: "it was not asked for, because the journal could not be written: disk full"},
		"read-only":      {want: "read-only"},
		"no comment":     {write: true, change: func(o *health.Order) { o.Silence.Comment = "" }, want: "a silence needs a comment"},
		"another keeper": {write: true, change: func(o *health.Order) { o.Silence.Source = "elsewhere" }, want: "no source keeps silences"},
	} {
		k, d, o := &keeper{err: c.ward}, &noted{err: c.log}, order
		if c.change != nil {
			c.change(&o)
		}
		e := New(Options{Sources: []sources.Source{k}, Desk: d, Write: c.write, Now: time.Now})
		_, err := e.Join().Submit(o)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if len(k.made) != c.made || len(d.notes) != len(c.notes) || c.made > 0 && k.made[0] != "ann: being rolled back" {
			t.Errorf("%s: made %q, notes %q", name, k.made, d.notes)
			continue
		}
		for i, n := range c.notes {
			if !strings.HasPrefix(d.notes[i], n) {
				t.Errorf("%s: note %q, want %q", name, d.notes[i], n)
			}
		}
		if o.Do == health.DoExpire && (len(k.ended) != 1 || k.ended[0] != "s-1") {
			t.Errorf("%s: ended %q", name, k.ended)
		}
	}
}

func TestSilencesAreShownWithoutSecrets(t *testing.T) {
	k := &keeper{}
	e := New(Options{Sources: []sources.Source{k}})
	q := question{what: someSilences, to: newAsked(k)}
	kept, _ := k.Silences(context.Background())
	e.take(answer{q: q, silences: kept})
	if got := e.silencesHeard(); len(got) != 1 || got[0].Comment != "mail [email]" {
		t.Errorf("silences %+v", got)
	}
}
