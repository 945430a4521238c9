package sources

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "kubernetes-rollouts",
		Doc: "Changes from Kubernetes: rollouts of Deployments, as their ReplicaSets tell. A rollback takes an old ReplicaSet again and leaves no " +
			"time: it is seen when it happens. It reads replicasets.apps (list) and is reached like kind kubernetes.",
		Example: `kind = "kubernetes-rollouts"
name = "rollouts"
url = "https://kubernetes.example.com:6443"   # in a cluster: leave it out
namespace = "ai"                  # empty: all of them
selector = "app in (chat, search)"
# context = "prod"                # instead of url: of your kubeconfig
` + ledgerExample + webExample,
		Open: openRollouts,
	})
}

type rolloutsConfig struct {
	clusterConfig
	ledgerConfig
}

const revisionKey = "deployment.kubernetes.io/revision"

// replicaSets is what is used of a list of apps/v1 ReplicaSets.
type replicaSets struct {
	Metadata struct {
		Continue string `json:"continue"`
	} `json:"metadata"`
	Items []replicaSet `json:"items"`
}

type replicaSet struct {
	Metadata struct {
		Name        string            `json:"name"`
		Namespace   string            `json:"namespace"`
		Created     time.Time         `json:"creationTimestamp"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
		Owners      []struct {
			Kind       string `json:"kind"`
			Name       string `json:"name"`
			Controller bool   `json:"controller"`
		} `json:"ownerReferences"`
	} `json:"metadata"`
	Spec struct {
		Template struct {
			Spec struct {
				Containers []struct {
					Name  string `json:"name"`
					Image string `json:"image"`
				} `json:"containers"`
			} `json:"spec"`
		} `json:"template"`
	} `json:"spec"`

	revision int
}

func openRollouts(name string, decode Decode) (Source, error) {
	var c rolloutsConfig
	if err := decode(&c); err != nil {
		return nil, err
	}
	if c.Namespace != "" && !kubeName.MatchString(c.Namespace) {
		return nil, fmt.Errorf("namespace: %q is no name of Kubernetes", c.Namespace)
	}
	if err := c.cluster(); err != nil {
		return nil, err
	}
	l, err := c.ledgerConfig.open(&c.webConfig, name, "kubernetes-rollouts", "a Kubernetes API")
	if err != nil {
		return nil, err
	}
	r := &rollouts{ledger: l, path: "apis/apps/v1/replicasets", selector: c.Selector}
	if c.Namespace != "" {
		r.path = "apis/apps/v1/namespaces/" + c.Namespace + "/replicasets"
	}
	l.list = r.look
	return l, nil
}

// rollouts reads the ReplicaSets of Deployments and watches which is the newest.
type rollouts struct {
	*ledger
	path, selector string
	watch
}

func (r *rollouts) look(ctx context.Context, since time.Time) ([]health.Change, error) {
	owned, err := r.replicaSets(ctx)
	if err != nil {
		return r.kept, err
	}
	var all []health.Change
	is := make(map[string]string, len(owned))
	for key, sets := range owned {
		slices.SortFunc(sets, func(a, b replicaSet) int { return cmp.Compare(a.revision, b.revision) })
		is[key] = strconv.Itoa(sets[len(sets)-1].revision)
		all = append(all, r.created(key, sets, since)...)
	}
	before := r.at
	r.moved(time.Now(), is, func(key, from, to string, at time.Time, uncertain time.Duration) {
		sets := owned[key]
		if to == "" || from == "" {
			return // the Deployment itself came or went
		}
		if newest := sets[len(sets)-1]; newest.Metadata.Created.Before(before.Add(-time.Second)) && len(sets) > 1 {
			c := r.change(key, sets[len(sets)-2], newest)
			c.ID += "/" + to
			c.Kind, c.At, c.Uncertain, c.Text = "rollback", at, uncertain, "rolled back, revision "+from+" was there before"
			r.keep(c, since)
		}
	})
	return append(all, r.kept...), nil
}

// created are the rollouts that made a ReplicaSet: it is as old as the rollout. One
// that was taken again has the number of the newest revision and tells nothing of
// when; its place is after the sets that were made before it.
func (r *rollouts) created(key string, sets []replicaSet, since time.Time) []health.Change {
	byAge := slices.Clone(sets)
	slices.SortStableFunc(byAge, func(a, b replicaSet) int { return a.Metadata.Created.Compare(b.Metadata.Created) })
	var all []health.Change
	for i, s := range byAge {
		if s.Metadata.Created.Before(since) {
			continue
		}
		before := replicaSet{}
		if i > 0 {
			before = byAge[i-1]
		}
		c := r.change(key, before, s)
		c.At, c.Uncertain = s.Metadata.Created.UTC(), time.Second
		all = append(all, c)
	}
	return all
}

// change is from one ReplicaSet of a Deployment to another: of images, or of
// something else where those are the same.
func (r *rollouts) change(key string, from, to replicaSet) health.Change {
	namespace, name, _ := strings.Cut(key, "/")
	c := health.Change{
		ID: r.name + "/" + key + "/" + to.Metadata.Name, Kind: "deploy", Service: r.service(name),
		Text: "rollout of " + key,
	}
	if named := r.services[namespace+"/"+name]; named != "" {
		c.Service = named
	} else if r.services[name] == "" {
		l := to.Metadata.Labels
		c.Service = cmp.Or(l["app.kubernetes.io/name"], l["app"], l["k8s-app"], name)
	}
	old := map[string]string{}
	for _, o := range from.Spec.Template.Spec.Containers {
		old[o.Name] = o.Image
	}
	for _, n := range to.Spec.Template.Spec.Containers {
		if old[n.Name] != n.Image {
			c.From, c.To = tagOf(old[n.Name]), cmp.Or(tagOf(n.Image), n.Image)
			c.Text += ": " + n.Name + " runs " + n.Image
			break
		}
	}
	if c.To == "" {
		c.Kind, c.From, c.To = "config", "revision "+strconv.Itoa(from.revision), "revision "+strconv.Itoa(to.revision)
	}
	if cause := to.Metadata.Annotations["kubernetes.io/change-cause"]; cause != "" {
		c.Text += ", " + cause
	}
	return c
}

// replicaSets lists those that Deployments own, by "namespace/deployment", in pieces.
func (r *rollouts) replicaSets(ctx context.Context) (map[string][]replicaSet, error) {
	query := url.Values{"limit": {"500"}}
	if r.selector != "" {
		query.Set("labelSelector", r.selector)
	}
	all, n := map[string][]replicaSet{}, 0
	for {
		var page replicaSets
		if err := r.get(ctx, r.path, query, &page); err != nil {
			return nil, err
		}
		for _, s := range page.Items {
			revision, err := strconv.Atoi(s.Metadata.Annotations[revisionKey])
			for _, o := range s.Metadata.Owners {
				if err == nil && o.Kind == "Deployment" && o.Controller {
					key := s.Metadata.Namespace + "/" + o.Name
					s.revision = revision
					all[key] = append(all[key], s)
				}
			}
		}
		if n += len(page.Items); page.Metadata.Continue == "" || n > maxWatched {
			return all, nil
		}
		query.Set("continue", page.Metadata.Continue)
	}
}
