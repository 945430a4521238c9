package rollback

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "helm",
		Doc: "A release of Helm: what ran is read from the release's secrets, and going back is left to helm itself, since only Helm can merge a release " +
			"(hooks, three-way update). It is told the same cluster. A helm that is killed leaves the release pending: then it is blocked.",
		Example: `service = "summarizer"
kind = "deploy"
driver = "helm"
url = "https://kubernetes.default.svc"
namespace = "assist"
name_in_cluster = "summarizer"     # of the release
helm = "helm"                      # the program, 3.x
timeout = "2m"                     # of helm rollback; reading waits as long at most
bearer_token_file = "/var/run/secrets/kubernetes.io/serviceaccount/token"
ca_file = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
`,
		Open: openHelm,
	})
}

type helmConfig struct {
	kubeConfig
	Helm string `toml:"helm"`
}

type helmTarget struct {
	info health.Target
	c    helmConfig
	*api
}

func openHelm(info health.Target, decode Decode) (Target, error) {
	c := helmConfig{Helm: "helm"}
	a, err := openKube(decode, &c, &c.kubeConfig)
	switch {
	case err != nil:
		return nil, err
	case c.CertFile != "":
		return nil, errors.New("cert_file: helm takes none from its environment; use bearer_token_file")
	case len(a.headers) > 0:
		return nil, errors.New("headers: helm would not send them; use bearer_token_file")
	}
	if err := checkArgv([]string{c.Helm}, nil); err != nil {
		return nil, fmt.Errorf("helm: %w", err)
	}
	a.max = 64 << 20 // every revision is a secret of up to 1 MB
	return &helmTarget{info, c, a}, nil
}

func (t *helmTarget) Info() health.Target { return t.info }

func (t *helmTarget) Caps() Caps {
	return Caps{Deadline: t.timeout, Patience: 10 * time.Minute, Words: "no compare-and-swap with what you saw: helm makes the next revision, and only other helms are kept out · " +
		"not idempotent: twice is two revisions · runs " + t.c.Helm + " rollback"}
}

// helmRelease is what a release's secret holds.
type helmRelease struct {
	Version  int    `json:"version"`
	Manifest string `json:"manifest"`
	Info     struct {
		Status      string    `json:"status"`
		Deployed    time.Time `json:"last_deployed"`
		Description string    `json:"description"`
	} `json:"info"`
	Chart struct {
		Metadata struct {
			Name       string `json:"name"`
			Version    string `json:"version"`
			AppVersion string `json:"appVersion"`
		} `json:"metadata"`
	} `json:"chart"`
}

// maxRelease is the longest release that is unpacked.
const maxRelease = 32 << 20

// parseRelease reads data.release of a secret: base64 of Kubernetes around base64 of
// Helm around gzip around JSON (helm.sh/helm/v3/pkg/storage/driver/util.go).
func parseRelease(data string) (helmRelease, error) {
	var r helmRelease
	bad := errors.New("a release cannot be read")
	outer, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return r, bad
	}
	b, err := base64.StdEncoding.DecodeString(string(outer))
	if err != nil {
		return r, bad
	}
	if bytes.HasPrefix(b, []byte{0x1f, 0x8b, 0x08}) { // old ones are not packed
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return r, bad
		}
		if b, err = io.ReadAll(io.LimitReader(z, maxRelease+1)); err != nil || len(b) > maxRelease {
			return r, bad
		}
	}
	if json.Unmarshal(b, &r) != nil || r.Version < 1 {
		return r, bad
	}
	return r, nil
}

// name is what a release is called: the application's version, else the chart's.
func (r helmRelease) name() string {
	return or(r.Chart.Metadata.AppVersion, r.Chart.Metadata.Version)
}

func (r helmRelease) content() string {
	sum := sha256.Sum256([]byte(r.Manifest))
	return r.name() + " " + hex.EncodeToString(sum[:8])
}

// releases are those of the history, oldest first.
func (t *helmTarget) releases(ctx context.Context) ([]helmRelease, error) {
	var list struct {
		Items []struct {
			Data struct {
				Release string `json:"release"`
			} `json:"data"`
		}
	}
	query := url.Values{"labelSelector": {"owner=helm,name=" + t.c.Name}, "limit": {"100"}}
	if err := t.read(ctx, "/api/v1/namespaces/"+seg(t.c.Namespace)+"/secrets?"+query.Encode(), &list); err != nil {
		return nil, err
	}
	var all []helmRelease
	for _, item := range list.Items {
		r, err := parseRelease(item.Data.Release)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("namespace %s has no release %s", t.c.Namespace, t.c.Name)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Version < all[j].Version })
	return all, nil
}

// call gives releases their ids: those with the same content are one version, called
// by its name where no other has it, else by name and newest revision.
func call(all []helmRelease) map[string]string {
	newest, contents := map[string]int{}, map[string]map[string]bool{}
	for _, r := range all {
		newest[r.content()] = r.Version
		if contents[r.name()] == nil {
			contents[r.name()] = map[string]bool{}
		}
		contents[r.name()][r.content()] = true
	}
	ids := map[string]string{}
	for _, r := range all {
		if ids[r.content()] = r.name(); len(contents[r.name()]) > 1 || r.name() == "" {
			ids[r.content()] = strings.Trim(r.name()+"#"+strconv.Itoa(newest[r.content()]), "#")
		}
	}
	return ids
}

func (t *helmTarget) look(ctx context.Context) ([]helmRelease, State, error) {
	all, err := t.releases(ctx)
	if err != nil {
		return nil, State{}, err
	}
	ids := call(all)
	var past []deployed
	for i := len(all) - 1; i >= 0; i-- {
		r := all[i]
		past = append(past, deployed{version: ids[r.content()], at: r.Info.Deployed, note: fmt.Sprintf("revision %d  %s", r.Version, tidy(r.Info.Description, 60)),
			done: r.Info.Status == "deployed" || r.Info.Status == "superseded", running: strings.HasPrefix(r.Info.Status, "pending")})
	}
	s, err := stateOfDeployments(past)
	if err != nil {
		return nil, State{}, errors.New("no revision of the release was ever deployed")
	}
	newest := all[len(all)-1]
	s.Token = strconv.Itoa(newest.Version)
	switch status := newest.Info.Status; {
	case strings.HasPrefix(status, "pending"):
		s.Blocked = fmt.Sprintf("revision %d is %s: another helm is at it, or was killed there", newest.Version, tidy(status, 40))
	case status == "failed":
		s.Notes = append(s.Notes, fmt.Sprintf("revision %d failed: what really runs may be a mixture", newest.Version))
	case status == "uninstalled" || status == "uninstalling":
		s.Blocked = "the release is " + tidy(status, 40)
	}
	return all, s, nil
}

func (t *helmTarget) Current(ctx context.Context) (State, error) {
	_, s, err := t.look(ctx)
	return looked(t, s, err)
}

// argv is what will be run.
func (t *helmTarget) argv(all []helmRelease, to string) ([]string, error) {
	ids := call(all)
	for i := len(all) - 1; i >= 0; i-- {
		if r := all[i]; ids[r.content()] == to && (r.Info.Status == "deployed" || r.Info.Status == "superseded") {
			return []string{t.c.Helm, "rollback", t.c.Name, strconv.Itoa(r.Version), "--namespace", t.c.Namespace}, nil
		}
	}
	return nil, fmt.Errorf("its history has no %s any more", tidy(to, 60))
}

func (t *helmTarget) Plan(ctx context.Context, to string) (health.Plan, error) {
	all, s, err := t.look(ctx)
	if err != nil {
		return health.Plan{}, unread(t, err)
	}
	p, err := draft(t.info, t.Caps(), s, to, time.Now())
	if err != nil {
		return p, err
	}
	argv, err := t.argv(all, p.To)
	if err != nil {
		return health.Plan{}, err
	}
	p.Diff = append(p.Diff, "$ "+words(argv))
	return p, nil
}

func (t *helmTarget) Execute(ctx context.Context, p health.Plan, _, _ string) error {
	all, s, err := t.look(ctx)
	if err := same(s, p, err); err != nil {
		return err
	}
	if s.Blocked != "" {
		return notSent(errors.New(s.Blocked))
	}
	argv, err := t.argv(all, p.To)
	if err != nil {
		return notSent(err)
	}
	// By the environment, not by arguments: those can be read by everybody on the host.
	token, err := t.bearer()
	if err != nil {
		return notSent(err)
	}
	env := append(environment([]string{"HELM_DRIVER"}), "HELM_KUBEAPISERVER="+t.url, "HELM_KUBETOKEN="+token, "HELM_KUBECAFILE="+t.c.CAFile)
	if _, err = run(ctx, t.timeout, env, argv); errors.Is(err, errNotStarted) {
		return fmt.Errorf("%w: %w", ErrFailed, err)
	} else if err != nil {
		return errors.New(redact(string(t.hide([]byte(err.Error()), token))))
	}
	return nil
}
