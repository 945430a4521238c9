package rollback

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "bundle",
		Doc: "Several targets that belong together (a model, its prompt, its index), rolled back one after the other in the order given. Each is read back " +
			"before the next is begun; at the first failure it stops and says what was and what was not done. Nothing is put forward again by itself.",
		Example: `service = "docs-answers"
kind = "model"
driver = "bundle"
targets = ["docs-answers/prompt", "docs-answers/index"]   # names of other [[rollback]]s, in order
patience = "5m"                    # for each, until it runs what it was told
`,
		Open: openBundle,
	})
}

type bundleConfig struct {
	Targets  []string      `toml:"targets"`
	Patience time.Duration `toml:"patience"`
}

type bundleTarget struct {
	info  health.Target
	c     bundleConfig
	parts []Target
	fault error                  // why it cannot be used at all
	was   atomic.Pointer[string] // what the last rollback of this process started from: the way to undo it
}

func openBundle(info health.Target, decode Decode) (Target, error) {
	c := bundleConfig{Patience: 5 * time.Minute}
	if err := decode(&c); err != nil {
		return nil, err
	}
	switch {
	case len(c.Targets) < 2:
		return nil, errors.New("targets: a bundle is two or more, in order")
	case c.Patience <= 0:
		return nil, fmt.Errorf("patience: %s is no time to wait", c.Patience)
	case slices.Contains(c.Targets, info.Name):
		return nil, errors.New("targets: a bundle cannot be in itself; give it a name of its own")
	}
	for i, t := range c.Targets {
		if slices.Contains(c.Targets[:i], t) {
			return nil, fmt.Errorf("targets: %q is there twice", tidy(t, 60))
		}
	}
	return &bundleTarget{info: info, c: c, fault: errors.New("its targets are not known")}, nil
}

// bind finds the parts among all targets of a desk.
func (b *bundleTarget) bind(all map[string]Target) {
	b.parts, b.fault = nil, nil
	for _, name := range b.c.Targets {
		t := all[name]
		if _, nested := t.(*bundleTarget); t == nil || nested {
			b.fault = fmt.Errorf("targets: %q is no [[rollback]] that can be in a bundle", tidy(name, 60))
			return
		}
		b.parts = append(b.parts, t)
	}
}

func (b *bundleTarget) Info() health.Target { return b.info }

// Caps are the weakest of its parts.
func (b *bundleTarget) Caps() Caps {
	c := Caps{CompareAndSwap: true, Idempotent: true}
	var weak []string
	for _, t := range b.parts {
		p := t.Caps()
		if !p.CompareAndSwap {
			c.CompareAndSwap, weak = false, append(weak, t.Info().Name)
		}
		c.Idempotent = c.Idempotent && p.Idempotent
		c.Settle = max(c.Settle, p.Settle)
		c.Deadline += max(p.Deadline, defaultTimeout) + b.c.Patience
	}
	c.Words = "one after the other: " + strings.Join(b.c.Targets, ", ") + " · stops at the first failure, and nothing is put forward again"
	if len(weak) > 0 {
		c.Words += " · no compare-and-swap in " + strings.Join(weak, ", ")
	}
	return c
}

// between divides the versions of a bundle's parts.
const between = "|"

func (b *bundleTarget) Current(ctx context.Context) (State, error) {
	states, err := b.look(ctx)
	if err != nil {
		return State{}, unread(b, err)
	}
	return b.joined(states), nil
}

// look asks all parts at once.
func (b *bundleTarget) look(ctx context.Context) ([]State, error) {
	if b.fault != nil {
		return nil, b.fault
	}
	states, errs := make([]State, len(b.parts)), make([]error, len(b.parts))
	var asking sync.WaitGroup
	for i, t := range b.parts {
		asking.Go(func() {
			states[i], errs[i] = t.Current(ctx)
			if strings.Contains(states[i].Version, between) {
				errs[i] = fmt.Errorf("%s runs a version with a %s in it", t.Info().Name, between)
			}
		})
	}
	asking.Wait()
	return states, errors.Join(errs...)
}

// joined is the state of all parts as one. What cannot go back stays.
func (b *bundleTarget) joined(states []State) State {
	var now, back []string
	s := State{Ready: true, At: time.Now(), History: []health.Version{}}
	sum := sha256.New()
	for i, p := range states {
		name := b.parts[i].Info().Name
		now, back = append(now, p.Version), append(back, or(p.Back, p.Version))
		fmt.Fprintf(sum, "%q %q\n", p.Version, p.Token)
		s.Ready = s.Ready && p.Ready
		if p.Blocked != "" && s.Blocked == "" {
			s.Blocked = name + ": " + p.Blocked
		}
		if p.Back == "" {
			s.Notes = append(s.Notes, name+" stays at "+p.Version+": nothing before it is known")
		}
		for _, n := range p.Notes {
			s.Notes = append(s.Notes, name+": "+n)
		}
	}
	s.Version, s.Token = strings.Join(now, between), hex.EncodeToString(sum.Sum(nil)[:16])
	if to := strings.Join(back, between); to != s.Version {
		s.Back = to
		s.History = append(s.History, health.Version{ID: to})
	}
	if was := b.was.Load(); was != nil && *was != s.Version && *was != s.Back {
		s.History = append(s.History, health.Version{ID: *was, Note: "before it was rolled back"})
	}
	return s
}

func (b *bundleTarget) Plan(ctx context.Context, to string) (health.Plan, error) {
	states, err := b.look(ctx)
	if err != nil {
		return health.Plan{}, unread(b, err)
	}
	s := b.joined(states)
	if each := strings.Split(to, between); to != s.Back && len(each) == len(states) {
		known := true
		for i, v := range each {
			_, there := find(states[i].History, v)
			known = known && (there || v == states[i].Version)
		}
		if known {
			s.History = append(s.History, health.Version{ID: to})
		}
	}
	p, err := draft(b.info, b.Caps(), s, to, time.Now())
	if err != nil {
		return p, err
	}
	from, into := strings.Split(p.From, between), strings.Split(p.To, between)
	for i, t := range b.parts {
		line := fmt.Sprintf("%d. %s: %s → %s", i+1, t.Info().Name, from[i], into[i])
		if from[i] == into[i] {
			line = fmt.Sprintf("%d. %s: stays at %s", i+1, t.Info().Name, from[i])
		}
		p.Diff = append(p.Diff, line)
	}
	return p, nil
}

// Execute rolls one part after the other back. Each is planned anew, so that its own
// compare-and-swap holds, and read back before the next.
func (b *bundleTarget) Execute(ctx context.Context, p health.Plan, op, reason string) error {
	if err := still(ctx, b, p); err != nil {
		return err
	}
	from, to := strings.Split(p.From, between), strings.Split(p.To, between)
	if len(from) != len(b.parts) || len(to) != len(b.parts) {
		return fmt.Errorf("%w: nothing was sent: %s is not one version for each part", ErrFailed, tidy(p.To, 80))
	}
	b.was.Store(&p.From)
	var done []string
	for i, t := range b.parts {
		if from[i] == to[i] {
			continue
		}
		what := fmt.Sprintf("%d of %d: %s %s → %s", i+1, len(b.parts), t.Info().Name, from[i], to[i])
		err := report(ctx, "%s: asking", what)
		if err != nil {
			err = fmt.Errorf("%w: %w", ErrFailed, err) // not written down, not done
		} else {
			err = b.step(ctx, t, from[i], to[i], fmt.Sprintf("%s-%d", op, i+1), reason)
		}
		if err != nil {
			return b.stopped(done, i, to, from, err)
		}
		done = append(done, t.Info().Name)
		if err := report(ctx, "%s: read back", what); err != nil && i < len(b.parts)-1 {
			return b.stopped(done, i+1, to, from, fmt.Errorf("%w: %w", ErrFailed, err))
		}
	}
	return nil
}

// step rolls one part back and waits until it runs what it was told.
func (b *bundleTarget) step(ctx context.Context, t Target, from, to, op, reason string) error {
	p, err := t.Plan(ctx, to)
	switch {
	case err != nil:
		return notSent(err)
	case p.From != from:
		return fmt.Errorf("%w: it runs %s", ErrMoved, tidy(p.From, 60))
	}
	write, cancel := context.WithTimeout(ctx, max(t.Caps().Deadline, defaultTimeout))
	sent := t.Execute(write, p, op, reason)
	cancel()
	if errors.Is(sent, ErrMoved) || errors.Is(sent, ErrDenied) || errors.Is(sent, ErrFailed) {
		return sent
	}
	for end := time.Now().Add(b.c.Patience); ; pause(ctx, askTaken) {
		s, err := t.Current(ctx)
		switch {
		case err == nil && s.Version == to && s.Ready:
			return nil
		case ctx.Err() != nil || time.Now().After(end):
			return errors.Join(errors.New("whether it happened is not known: it was not seen to run "+to), sent, err)
		}
	}
}

// stopped says what was done and what was not. If nothing was, it has the class of
// what went wrong.
func (b *bundleTarget) stopped(done []string, at int, to, from []string, err error) error {
	var not []string
	for i := at + 1; i < len(b.parts); i++ {
		if from[i] != to[i] {
			not = append(not, b.parts[i].Info().Name)
		}
	}
	text := fmt.Sprintf("stopped at %s: %s", b.parts[min(at, len(b.parts)-1)].Info().Name, because(err))
	if len(not) > 0 {
		text += "; not begun: " + strings.Join(not, ", ")
	}
	if len(done) > 0 {
		return fmt.Errorf("%w: done: %s; %s", ErrPartial, strings.Join(done, ", "), text)
	}
	for _, class := range []error{ErrMoved, ErrDenied, ErrFailed} {
		if errors.Is(err, class) {
			return fmt.Errorf("%w: nothing was done: %s", class, text)
		}
	}
	return errors.New(text)
}

// verdict is what a mixture means that is neither where the bundle was nor where it
// was to go: if every part is at one of the two, it is ours, half done.
func (b *bundleTarget) verdict(op operation, runs string, overdue bool) (health.OpState, string) {
	from, to, now := strings.Split(op.From, between), strings.Split(op.To, between), strings.Split(runs, between)
	var done, not []string
	for i := range now {
		switch {
		case len(now) != len(from) || len(now) != len(to) || len(now) != len(b.parts) || now[i] != from[i] && now[i] != to[i]:
			return health.OpMoved, fmt.Sprintf("%s runs %s, which is neither %s nor %s: somebody else changed it", op.Target, tidy(runs, 60), op.From, op.To)
		case from[i] == to[i]:
		case now[i] == to[i]:
			done = append(done, b.parts[i].Info().Name)
		default:
			not = append(not, b.parts[i].Info().Name)
		}
	}
	text := fmt.Sprintf("only a part was rolled back: done: %s; not done: %s", strings.Join(done, ", "), strings.Join(not, ", "))
	if !overdue {
		return op.State, text
	}
	return health.OpPartial, text
}
