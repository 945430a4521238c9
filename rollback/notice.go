package rollback

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sort"
	"strings"
	"sync"
	"time"

	"sickbay/health"
)

// A Notice is somebody who is told when an operation that was sent has ended: a chart's
// annotation, a chat. It is a courtesy. It is tried once, after the end is in the
// journal and the target is free again, and whatever comes of it changes nothing.
type Notice interface {
	Name() string
	Tell(ctx context.Context, m Message) error
}

// A Message is what is told: the operation as it ended, and the newest hash of the
// journal, so that a copy of it is kept elsewhere.
type Message struct {
	Op    health.Rollback
	Began time.Time // when the request left
	Ended time.Time
	Host  string
	Head  string
}

// NoticeKind is a kind of notice.
type NoticeKind struct {
	Name    string
	Doc     string
	Example string // a section for config.example.toml, without the [[notice]] line
	Open    func(name string, decode Decode) (Notice, error)
}

var noticeKinds = map[string]NoticeKind{}

func registerNotice(k NoticeKind) { noticeKinds[k.Name] = k }

// NoticeKinds lists all kinds of notices by name.
func NoticeKinds() []NoticeKind {
	all := make([]NoticeKind, 0, len(noticeKinds))
	for _, k := range noticeKinds {
		all = append(all, k)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	return all
}

// OpenNotice makes a notice of a kind. It does not talk to anybody yet.
func OpenNotice(kind, name string, decode Decode) (Notice, error) {
	k, ok := noticeKinds[kind]
	if !ok {
		return nil, fmt.Errorf("notice %q: unknown kind %q", name, kind)
	}
	n, err := k.Open(name, decode)
	if err != nil {
		return nil, fmt.Errorf("notice %q: %w", name, err)
	}
	return n, nil
}

// toTell is who is to hear of an operation that ends now. Where nothing was sent there
// is nothing to tell; a sickbay that is read-only tells nobody.
func (d *Desk) toTell(op operation) []health.Told {
	if !d.o.Write || op.sent.IsZero() {
		return nil
	}
	var all []health.Told
	for _, n := range d.o.Notices {
		all = append(all, health.Told{Who: n.Name()})
	}
	return all
}

// tellAll tells everybody of an operation's end, at once and each once, and writes
// down what came of it.
func (d *Desk) tellAll(ctx context.Context, op operation) {
	if len(op.Told) == 0 || !op.State.Ended() {
		return
	}
	m := Message{Op: op.Rollback, Began: op.sent, Ended: time.Now(), Host: op.host, Head: d.o.Journal.head()}
	// Who leaves does not take the word with him: Drain waits for it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noticeTime)
	defer cancel()
	told := make([]health.Told, len(d.o.Notices))
	var all sync.WaitGroup
	for i, n := range d.o.Notices {
		all.Go(func() { told[i] = d.tellOne(ctx, n, m, op) })
	}
	all.Wait()
	op.Told = told
	d.tell(op)
}

// noticeTime is how long telling everybody may take.
const noticeTime = 10 * time.Second

func (d *Desk) tellOne(ctx context.Context, n Notice, m Message, op operation) health.Told {
	told := health.Told{Who: n.Name(), Done: true}
	data := Data{By: op.by, Service: op.Service, Target: op.Target, Text: "told " + told.Who, Sickbay: d.o.Version}
	if err := n.Tell(ctx, m); err != nil {
		told.Err = because(err)
		data.Text, data.Blocked = told.Who+" could not be told: "+told.Err, told.Err
	}
	if _, err := d.o.Journal.Append(op.ID, evNotice, data); err != nil && told.Err == "" {
		told.Err = "told, and NOT IN THE JOURNAL: " + because(err)
	}
	return told
}

// told is what a line of the journal says of a notice.
func (l Line) told() health.Told {
	who := strings.TrimPrefix(l.Data.Text, "told ")
	if l.Data.Blocked != "" {
		who, _, _ = strings.Cut(l.Data.Text, " could not be told: ")
	}
	return health.Told{Who: who, Done: true, Err: l.Data.Blocked}
}

// headline is "support-chat/prompt v32 → v31: recovered".
func (m Message) headline() string {
	return m.tidy(fmt.Sprintf("%s %s → %s: %s", m.Op.Target, m.Op.From, m.Op.To, m.Op.State), 200)
}

// tidy takes credentials and what could do harm out of a text that leaves the house.
func (m Message) tidy(s string, n int) string { return tidy(redact(s), n) }

// post sends a notice: one attempt, and any code but 2xx is an error.
func (a *api) post(ctx context.Context, path string, body any) (httpAnswer, error) {
	got, err := a.send(ctx, http.MethodPost, path, nil, body)
	for _, class := range []error{ErrMoved, ErrDenied, ErrFailed} {
		if errors.Is(err, class) { // those words are about targets
			err = errors.New(strings.TrimPrefix(err.Error(), class.Error()+": "))
		}
	}
	return got, err
}
