package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sickbay/health"
	"sickbay/sources"
)

// silenceTakes is how long a source may take to make or to end a silence.
const silenceTakes = 10 * time.Second

// silence makes or ends one: a line in the journal, one attempt, and a line that
// says how it went. It waits for the source, so it runs in the goroutine of who
// ordered it and touches nothing of the engine's own.
func (e *Engine) silence(o health.Order) (id string, err error) {
	keeper, err := e.silencer(o.Silence.Source)
	switch {
	case !e.o.Write:
		return "", errors.New("read-only: start sickbay with --write")
	case err != nil:
		return "", err
	case e.o.Desk == nil:
		return "", errors.New("there is no journal to write it to")
	}
	about := "the silence " + o.Silence.ID + " of " + keeper.Name()
	if len(o.Silence.Matchers) > 0 {
		about = "the silence of " + matchersOf(o.Silence) + " at " + keeper.Name() + " (" + o.Silence.ID + ")"
	}
	if o.Do == health.DoExpire && o.Reason != "" {
		about += ": " + o.Reason
	}
	if o.By.User != "" {
		o.Silence.By = o.By.User
	}
	if o.Do == health.DoSilence {
		if err := o.Silence.Check(); err != nil {
			return "", err
		}
		about = fmt.Sprintf("a silence of %s at %s until %s: %s", matchersOf(o.Silence), keeper.Name(), o.Silence.Ends.UTC().Format("Jan 2 15:04 UTC"), o.Silence.Comment)
	}
	note := func(text string) error {
		_, err := e.o.Desk.Submit(health.Order{Do: health.DoNote, By: o.By, Reason: text, Plan: health.Plan{Service: o.Plan.Service}})
		return err
	}
	verb := map[health.Verb]string{health.DoSilence: "asking for ", health.DoExpire: "asking to end "}[o.Do]
	if err := note(verb + about); err != nil {
		return "", fmt.Errorf("it was not asked for, because the journal could not be written: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), silenceTakes)
	defer cancel()
	if o.Do == health.DoExpire {
		id, err = o.Silence.ID, keeper.Expire(ctx, o.Silence.ID)
	} else {
		id, err = keeper.Silence(ctx, o.Silence)
	}
	said := "done: " + about
	switch {
	case errors.Is(err, sources.ErrRefused) || errors.Is(err, sources.ErrMissing):
		said = "refused: " + err.Error()
	case err != nil:
		said = "not known whether it was done: " + err.Error()
	}
	return id, errors.Join(err, note(said))
}

// silencer is the source that keeps silences: the named one, or the only one.
func (e *Engine) silencer(name string) (sources.Silencer, error) {
	var all []sources.Silencer
	for _, s := range e.o.Sources {
		if k, ok := s.(sources.Silencer); ok && (name == "" || name == s.Name()) {
			all = append(all, k)
		}
	}
	switch len(all) {
	case 0:
		return nil, errors.New("no source keeps silences; name your Alertmanager in the config: [[source]] kind = \"alertmanager\"")
	case 1:
		return all[0], nil
	}
	return nil, errors.New("several sources keep silences, and it is not said which is meant")
}

func matchersOf(s health.Silence) string {
	var all []string
	for _, m := range s.Matchers {
		all = append(all, m.String())
	}
	return "{" + strings.Join(all, ", ") + "}"
}

// silencesHeard are the silences of all sources, soonest to end first.
func (e *Engine) silencesHeard() []health.Silence {
	var all []health.Silence
	for _, kept := range e.changes.silences {
		all = append(all, kept...)
	}
	slices.SortStableFunc(all, func(a, b health.Silence) int { return a.Ends.Compare(b.Ends) })
	return all
}

// learnSilences takes those of one source.
func (e *Engine) learnSilences(a answer) {
	for i := range a.silences {
		a.silences[i].Comment = e.masked(a.silences[i].Comment)
	}
	if e.changes.silences == nil {
		e.changes.silences = map[string][]health.Silence{}
	}
	e.changes.silences[a.q.to.state.Name] = a.silences
}
