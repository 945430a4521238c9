package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// What a rollback endpoint says. The contract is in docs/rollback-http.md.

// slotJSON answers a GET.
type slotJSON struct {
	Current  string        `json:"current"`
	Ready    bool          `json:"ready"`
	Blocked  string        `json:"blocked"`
	Versions []versionJSON `json:"versions"` // newest first
}

type versionJSON struct {
	Version string    `json:"version"`
	At      time.Time `json:"at"`
	Note    string    `json:"note"`
}

// order is the body of a POST.
type order struct {
	To     string `json:"to"`
	Reason string `json:"reason"`
	By     string `json:"by"`
}

// refusal is the body of every answer that is not a success.
type refusal struct {
	Error   string `json:"error"`
	Current string `json:"current,omitempty"`
}

// An answer is kept, so that a request sent twice is answered twice and done once.
type answer struct {
	asked  order
	status int
	etag   string
	body   any
}

const (
	maxOrder   = 1 << 16 // bytes of a request's body
	maxAnswers = 1000    // kept per slot
)

// slotOf finds what a request is about; nil was already answered.
func (d *Demo) slotOf(rw http.ResponseWriter, r *http.Request) *slot {
	name, kind := r.PathValue("service"), r.PathValue("kind")
	if kind == "build" {
		kind = "deploy"
	}
	s := d.world.service(name)
	switch {
	case s == nil:
		respond(rw, http.StatusNotFound, refusal{Error: fmt.Sprintf("no service %q", name)})
	case s.slot(kind) == nil || !s.reversible():
		respond(rw, http.StatusNotFound, refusal{Error: fmt.Sprintf("service %q has no %s that can be rolled back", name, kind)})
	default:
		return s.slot(kind)
	}
	return nil
}

func (d *Demo) getSlot(rw http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.slotOf(rw, r)
	if p == nil {
		return
	}
	rw.Header().Set("ETag", p.etag())
	respond(rw, http.StatusOK, d.slotJSON(p))
}

func (d *Demo) slotJSON(p *slot) slotJSON {
	v := slotJSON{Current: p.current, Ready: true}
	if f := d.world.fault; f != nil && f.slot == p {
		v.Ready = d.now().Sub(f.level.at) >= f.level.over // false while requests are being moved
	}
	for _, r := range slices.Backward(p.releases) {
		v.Versions = append(v.Versions, versionJSON{r.version, r.at.UTC(), r.note})
	}
	return v
}

func (d *Demo) postSlot(rw http.ResponseWriter, r *http.Request) {
	var o order
	if err := readJSON(rw, r, &o); err != nil {
		respond(rw, http.StatusBadRequest, refusal{Error: err.Error()})
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.slotOf(rw, r)
	if p == nil {
		return
	}
	key := r.Header.Get("Idempotency-Key")
	a, again := p.answered[key]
	switch {
	case key == "":
		a = answer{status: http.StatusBadRequest, body: refusal{Error: "header Idempotency-Key is missing"}}
	case again && a.asked != o:
		a = answer{status: http.StatusUnprocessableEntity, body: refusal{Error: "this Idempotency-Key was used for another order"}}
	case !again:
		a = d.obey(p, o, r.Header.Get("If-Match"))
		if len(p.answered) >= maxAnswers {
			clear(p.answered)
		}
		p.answered[key] = a
	}
	if a.etag != "" {
		rw.Header().Set("ETag", a.etag)
	}
	respond(rw, a.status, a.body)
}

// obey does what is ordered if the slot still is what match says.
func (d *Demo) obey(p *slot, o order, match string) answer {
	refuse := func(status int, format string, args ...any) answer {
		return answer{asked: o, status: status, etag: p.etag(), body: refusal{fmt.Sprintf(format, args...), p.current}}
	}
	switch {
	case match == "":
		return refuse(http.StatusPreconditionRequired, "header If-Match is missing")
	case match != p.etag():
		return refuse(http.StatusPreconditionFailed, "the %s of %s has moved: it is %s now", p.kind, p.service, p.current)
	case !p.knows(o.To):
		return refuse(http.StatusNotFound, "unknown version %q", o.To)
	case o.To == p.current:
		return refuse(http.StatusConflict, "%s already runs %s", p.service, o.To)
	}
	text := fmt.Sprintf("%s rolled back by %s: %s", p.kind, orElse(o.By, "nobody named"), orElse(o.Reason, "no reason given"))
	d.world.switchTo(p, o.To, "", d.now(), change{Kind: "rollback", Text: text})
	return answer{asked: o, status: http.StatusAccepted, etag: p.etag(), body: map[string]string{"current": p.current}}
}

// reversible says whether anything of a service can be taken back: what serves
// a bare model or stands below others is changed by people, not by sickbay.
func (s *service) reversible() bool { return len(s.rollbackKinds()) > 0 }

func (s *service) rollbackKinds() []string {
	if s.base.Running > 0 || s.base.Search.shape != never {
		return nil
	}
	var kinds []string
	for _, p := range s.slots {
		if p.kind != "config" {
			kinds = append(kinds, p.kind)
		}
	}
	return kinds
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// readJSON reads a body of bounded size.
func readJSON(rw http.ResponseWriter, r *http.Request, into any) error {
	dec := json.NewDecoder(http.MaxBytesReader(rw, r.Body, maxOrder))
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("body: more than one JSON value")
	}
	return nil
}

func respond(rw http.ResponseWriter, status int, body any) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	enc := json.NewEncoder(rw)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(body) // the client is gone: nobody to tell
}
