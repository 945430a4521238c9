package sources

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"
)

func init() {
	register(Kind{
		Name: "kubernetes",
		Doc: "Logs of pods, from the Kubernetes API: every container of every pod a label selector finds, through restarts and new pods. " +
			"In a cluster it needs no address; elsewhere url and authorization, or context, which asks kubectl how to get in.",
		Example: `kind = "kubernetes"
name = "pods"
url = "https://kubernetes.example.com:6443"   # in a cluster: leave it out
namespace = "ai"                  # empty: all of them
selector = "app in (chat, search)"
container = ""                    # empty: all of a pod
history = "10m"                   # that is read at the start
# context = "prod"                # instead of url: of your kubeconfig
` + lineExample + webExample,
		Open: openKubernetes,
	})
}

const (
	podsEvery  = 5 * time.Second
	maxFollows = 200 // containers that are followed at once
	accountDir = "/var/run/secrets/kubernetes.io/serviceaccount/"
)

type kubernetesConfig struct {
	clusterConfig
	lineConfig
	Container string        `toml:"container"`
	History   time.Duration `toml:"history"`
}

// clusterConfig is how a cluster is reached, and what of it is looked at.
type clusterConfig struct {
	webConfig
	Namespace string `toml:"namespace"`
	Selector  string `toml:"selector"`
	Context   string `toml:"context"`
}

type kubernetes struct {
	*web
	lined
	stream    *http.Client // for answers without an end
	namespace string
	selector  string
	container string
	history   time.Duration
	every     time.Duration // between lists of pods
}

var kubeName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)

func openKubernetes(name string, decode Decode) (Source, error) {
	c := kubernetesConfig{History: 10 * time.Minute}
	if err := decode(&c); err != nil {
		return nil, err
	}
	o, err := c.options()
	if err != nil {
		return nil, err
	}
	for key, v := range map[string]string{"namespace": c.Namespace, "container": c.Container} {
		if v != "" && !kubeName.MatchString(v) {
			return nil, fmt.Errorf("%s: %q is no name of Kubernetes", key, v)
		}
	}
	if c.History < 0 {
		return nil, fmt.Errorf(`history: %v is no length of time; try "10m"`, c.History)
	}
	if err := c.cluster(); err != nil {
		return nil, err
	}
	w, err := c.open(name, "a Kubernetes API")
	if err != nil {
		return nil, err
	}
	k := &kubernetes{web: w, lined: lined{o}, namespace: c.Namespace, selector: c.Selector, container: c.Container, history: c.History, every: podsEvery}
	rt, err := c.transport()
	if err != nil {
		return nil, err
	}
	k.stream = &http.Client{Transport: rt, CheckRedirect: w.client.CheckRedirect}
	return k, nil
}

// cluster finds the API where nobody says where it is.
func (c *clusterConfig) cluster() error {
	switch {
	case c.Context != "" && c.URL != "":
		return errors.New("context: url is set too; keep one of them")
	case c.Context != "":
		return c.ofContext()
	case c.URL != "":
		return nil
	}
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	if host == "" {
		return errors.New(`url: is missing; say where the API is: url = "https://…:6443", or context = "…" of your kubeconfig`)
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	c.URL = "https://" + host + ":" + cmp.Or(port, "443")
	c.Authorization = &authorization{CredentialsFile: accountDir + "token"}
	c.TLSConfig.CAFile = accountDir + "ca.crt"
	return nil
}

func (k *kubernetes) About() (kind, where string) {
	where = k.where() + " " + cmp.Or(k.namespace, "all namespaces")
	if k.selector != "" {
		where += " " + k.selector
	}
	return "kubernetes", where
}

func (k *kubernetes) Close() error {
	k.stream.CloseIdleConnections()
	return k.web.Close()
}

// Version asks who it is.
func (k *kubernetes) Version(ctx context.Context) (string, error) {
	var v struct {
		GitVersion string `json:"gitVersion"`
	}
	err := k.lookUp(ctx, "/version", nil, func(r io.Reader) error { return decode(r, &v) })
	return strings.TrimPrefix(v.GitVersion, "v"), notThere(err)
}

// podList is what is used of a list of pods.
type podList struct {
	Metadata struct {
		Continue string `json:"continue"`
	} `json:"metadata"`
	Items []pod `json:"items"`
}

type pod struct {
	Metadata struct {
		Name      string            `json:"name"`
		Namespace string            `json:"namespace"`
		UID       string            `json:"uid"`
		Labels    map[string]string `json:"labels"`
	} `json:"metadata"`
	Status struct {
		Containers []containerStatus `json:"containerStatuses"`
	} `json:"status"`
}

type containerStatus struct {
	Name         string `json:"name"`
	Image        string `json:"image"`
	RestartCount int    `json:"restartCount"`
	State        struct {
		Waiting *struct {
			Reason string `json:"reason"`
		} `json:"waiting"`
	} `json:"state"`
}

// pods lists what the selector finds, in pieces.
func (k *kubernetes) pods(ctx context.Context) ([]pod, error) {
	path := "/api/v1/pods"
	if k.namespace != "" {
		path = "/api/v1/namespaces/" + k.namespace + "/pods"
	}
	q := url.Values{"limit": {"500"}}
	if k.selector != "" {
		q.Set("labelSelector", k.selector)
	}
	var all []pod
	for {
		var page podList
		err := k.lookUp(ctx, path, q, func(r io.Reader) error { return decode(r, &page) })
		if errors.Is(err, ErrNotFound) {
			return nil, &failure{k.name + ": 404 not found: is this URL " + k.speaks + "?", nil}
		}
		if err != nil {
			return nil, err
		}
		if all = append(all, page.Items...); page.Metadata.Continue == "" || len(all) > 10*maxFollows {
			return all, nil
		}
		q.Set("continue", page.Metadata.Continue)
	}
}

// Follow lists the pods again and again and follows every container it finds. It
// returns nil when ctx ends, and no sooner.
func (k *kubernetes) Follow(ctx context.Context, emit func(Batch)) error {
	f := &podFollower{kubernetes: k, in: newInflow(), known: map[string]*podLog{}}
	ctx, cancel := context.WithCancel(ctx)
	defer f.wait.Wait()
	defer cancel()
	r := newReader(k.options, emit)
	r.dress = f.dress
	f.wait.Go(func() { f.list(ctx) })
	return r.drainAs(ctx, f.in, func(p page, now time.Time) {
		if note, isNote := strings.CutPrefix(p.stream, "note "); isNote {
			r.say(note, r.caught, now)
			return
		}
		if p.err != nil {
			emit(Batch{Err: p.err})
			return
		}
		stampedLines(r, p, now)
	})
}

// stampedLines reads lines that begin with when they were written.
func stampedLines(r *reader, p page, now time.Time) {
	for lines := p.lines; lines != ""; {
		var line string
		line, lines, _ = strings.Cut(lines, "\n")
		stamp, text, _ := strings.Cut(line, " ")
		at, err := time.Parse(time.RFC3339Nano, stamp)
		if err != nil {
			at, text = now, line
		}
		r.entry(p.stream, text, at, now)
	}
}
