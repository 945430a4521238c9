package rollback

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "http",
		Doc:  "A service that speaks the small contract of docs/rollback-http.md: GET says what runs, POST with If-Match takes it back.",
		Example: `service = "support-chat"
kind = "prompt"
driver = "http"
url = "https://deployer.example.com/rollback/support-chat/prompt"
timeout = "15s"
bearer_token_file = "/run/secrets/deployer"   # or: token = "${DEPLOYER_TOKEN}"
headers = { X-Team = "assist" }
`,
		Open: openHTTP,
	})
}

type httpTarget struct {
	info health.Target
	*api
}

func openHTTP(info health.Target, decode Decode) (Target, error) {
	var c apiConfig
	a, err := openAPI(decode, &c, &c)
	if err != nil {
		return nil, err
	}
	a.url = c.URL // as it is: a slash at its end may matter
	a.moved = append(a.moved, http.StatusUnprocessableEntity)
	return &httpTarget{info, a}, nil
}

func (t *httpTarget) Info() health.Target { return t.info }

func (t *httpTarget) Caps() Caps {
	return Caps{CompareAndSwap: true, Idempotent: true, Words: "compare-and-swap by ETag · one attempt, the same operation is done once"}
}

// httpState is the answer to GET.
type httpState struct {
	Current  string        `json:"current"`
	Ready    *bool         `json:"ready"` // nil: not said, taken for true
	Blocked  string        `json:"blocked"`
	Versions []httpVersion `json:"versions"`
}

type httpVersion struct {
	Version string    `json:"version"`
	At      time.Time `json:"at"`
	Note    string    `json:"note"`
}

func asVersions(in []httpVersion) []health.Version {
	if in == nil {
		return nil
	}
	out := make([]health.Version, 0, len(in))
	for _, v := range in {
		out = append(out, health.Version{ID: v.Version, At: v.At, Note: v.Note})
	}
	return out
}

// parseHTTPState reads the answer to GET; etag is the state's token.
func parseHTTPState(body []byte, etag string) (State, error) {
	var a httpState
	if err := json.Unmarshal(body, &a); err != nil {
		return State{}, fmt.Errorf("its answer is not the JSON of docs/rollback-http.md: %s", tidy(string(body), 80))
	}
	if !plainID(a.Current) {
		return State{}, fmt.Errorf("its answer names no current version: %q", tidy(a.Current, 60))
	}
	s := stateOf(a.Current, asVersions(a.Versions))
	s.Token, s.Blocked = etag, tidy(a.Blocked, 200)
	s.Ready = a.Ready == nil || *a.Ready
	return s, nil
}

func (t *httpTarget) Current(ctx context.Context) (State, error) {
	a, err := t.ask(ctx, http.MethodGet, "", nil, nil)
	if err != nil {
		return State{}, unread(t, err)
	}
	if a.code != http.StatusOK {
		return State{}, unread(t, a.refusal())
	}
	s, err := parseHTTPState(a.body, a.etag)
	if err != nil {
		return State{}, unread(t, err)
	}
	s.At = time.Now()
	return s, nil
}

func (t *httpTarget) Plan(ctx context.Context, to string) (health.Plan, error) {
	s, err := t.Current(ctx)
	if err != nil {
		return health.Plan{}, err
	}
	caps := t.Caps()
	caps.CompareAndSwap = s.Token != "" // a server without ETag cannot compare
	return draft(t.info, caps, s, to, time.Now())
}

func (t *httpTarget) Execute(ctx context.Context, p health.Plan, op, reason string) error {
	h := http.Header{"Idempotency-Key": {op}}
	if p.Token != "" {
		h.Set("If-Match", p.Token)
	}
	a, err := t.send(ctx, http.MethodPost, "", h, map[string]string{"to": p.To, "reason": reason, "by": Who(Me())})
	switch {
	case err == nil && a.code != http.StatusOK && a.code != http.StatusAccepted && a.code != http.StatusNoContent:
		return a.refusal()
	case err == nil && len(a.body) > 0 && !json.Valid(a.body):
		return fmt.Errorf("%d with an answer that is not JSON: somebody else may have answered: %s", a.code, tidy(string(a.body), 80))
	}
	return err
}
