package rollback

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "argo-rollouts",
		Doc: "A Rollout of Argo Rollouts. While a new version is still being rolled out, going back to the stable one is an abort, the fastest way there is; " +
			"afterwards it is an undo, which climbs all canary steps again. An aborted Rollout still names the new version and goes forward if it is retried.",
		Example: `service = "legal-search"
kind = "model"
driver = "argo-rollouts"
url = "http://127.0.0.1:8001"      # kubectl proxy; in a cluster https://kubernetes.default.svc and the files below
namespace = "assist"
name_in_cluster = "legal-search-reranker"
container = ""                     # whose image tag names the version; "": the first
timeout = "15s"
# bearer_token_file = "/var/run/secrets/kubernetes.io/serviceaccount/token"
# ca_file = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
`,
		Open: openArgoRollouts,
	})
}

type argoRolloutsConfig struct{ kubeConfig }

type argoRolloutsTarget struct {
	info health.Target
	c    argoRolloutsConfig
	*api
}

func openArgoRollouts(info health.Target, decode Decode) (Target, error) {
	var c argoRolloutsConfig
	a, err := openKube(decode, &c, &c.kubeConfig)
	if err != nil {
		return nil, err
	}
	return &argoRolloutsTarget{info, c, a}, nil
}

func (t *argoRolloutsTarget) Info() health.Target { return t.info }

func (t *argoRolloutsTarget) Caps() Caps {
	return Caps{CompareAndSwap: true, Idempotent: true, Patience: time.Hour, Words: "compare-and-swap by resource version and template · during a rollout: abort, at once · " +
		"afterwards: undo, through all canary steps again"}
}

func (t *argoRolloutsTarget) path() string {
	return "/apis/argoproj.io/v1alpha1/namespaces/" + seg(t.c.Namespace) + "/rollouts/" + seg(t.c.Name)
}

// rolloutObject is a Rollout.
type rolloutObject struct {
	Metadata kubeMeta `json:"metadata"`
	Spec     struct {
		Paused      bool            `json:"paused"`
		Template    json.RawMessage `json:"template"`
		WorkloadRef *struct {
			Kind string `json:"kind"`
			Name string `json:"name"`
		} `json:"workloadRef"`
		Selector struct {
			MatchLabels map[string]string `json:"matchLabels"`
		} `json:"selector"`
	} `json:"spec"`
	Status struct {
		ObservedGeneration any    `json:"observedGeneration"` // a string in most versions
		StableRS           string `json:"stableRS"`
		CurrentPodHash     string `json:"currentPodHash"`
		Phase              string `json:"phase"`
		Message            string `json:"message"`
		Abort              bool   `json:"abort"`
	} `json:"status"`
}

// underWay says that a version is being rolled out beside the stable one.
func (r rolloutObject) underWay() bool {
	return r.Status.StableRS != "" && r.Status.CurrentPodHash != "" && r.Status.StableRS != r.Status.CurrentPodHash
}

func (r rolloutObject) observed() bool {
	n, err := strconv.ParseInt(fmt.Sprint(r.Status.ObservedGeneration), 10, 64)
	return err != nil || n >= r.Metadata.Generation // where it is something else, it says nothing
}

func (t *argoRolloutsTarget) look(ctx context.Context) (rolloutObject, []revision, State, error) {
	var r rolloutObject
	if err := t.read(ctx, t.path(), &r); err != nil {
		return r, nil, State{}, err
	}
	if ref := r.Spec.WorkloadRef; ref != nil {
		return r, nil, State{}, fmt.Errorf("its template is that of %s %s: configure that one, with driver \"kubernetes\"", tidy(ref.Kind, 40), tidy(ref.Name, 60))
	}
	_, canon, tag, err := podTemplate(r.Spec.Template, t.c.Container)
	if err != nil {
		return r, nil, State{}, err
	}
	var list struct{ Items []workload }
	err = t.read(ctx, "/apis/apps/v1/namespaces/"+seg(t.c.Namespace)+"/replicasets?limit=500&labelSelector="+selector(r.Spec.Selector.MatchLabels), &list)
	if err != nil {
		return r, nil, State{}, fmt.Errorf("its ReplicaSets cannot be listed: %w", err)
	}
	revisions := named(revisionsOf(list.Items, r.Metadata.UID, "rollout.argoproj.io/revision", "rollouts-pod-template-hash", t.c.Container))
	if stable, ok := byHash(revisions, r.Status.StableRS); ok && r.Status.Abort {
		canon, tag = stable.canon, stable.tag // what the spec names is not what serves
	}
	s := stateOfRevisions(canon, tag, revisions)
	if stable, ok := byHash(revisions, r.Status.StableRS); ok && r.underWay() && !r.Status.Abort {
		s.Back = stable.id
	}
	s.Token, s.At = r.Metadata.token(), time.Now()
	s.Ready = r.observed() && (r.Status.Phase == "Healthy" || r.Status.Abort)
	s.Notes = append(s.Notes, r.Metadata.keepers()...)
	switch {
	case r.Status.Abort:
		s.Notes = append(s.Notes, "it was aborted: its spec still names the new version, and a retry goes forward again")
	case r.underWay():
		s.Notes = append(s.Notes, "a rollout is under way: going back to "+s.Back+" aborts it, at once")
	default:
		s.Notes = append(s.Notes, "an undo climbs all canary steps again, unless the old version is within its rollback window")
	}
	return r, revisions, s, nil
}

func byHash(revisions []revision, hash string) (revision, bool) {
	for _, r := range revisions {
		if hash != "" && r.hash == hash {
			return r, true
		}
	}
	return revision{}, false
}

func (t *argoRolloutsTarget) Current(ctx context.Context) (State, error) {
	_, _, s, err := t.look(ctx)
	return looked(t, s, err)
}

func (t *argoRolloutsTarget) Plan(ctx context.Context, to string) (health.Plan, error) {
	r, revisions, s, err := t.look(ctx)
	if err != nil {
		return health.Plan{}, unread(t, err)
	}
	p, err := draft(t.info, t.Caps(), s, to, time.Now())
	if err != nil || t.aborts(r, revisions, p.To) {
		return p, err
	}
	ops, err := undo(r.Metadata, r.Spec.Template, revisions, p, "sickbay dry run")
	if err == nil {
		err = t.patch(ctx, t.path(), jsonPatch, ops, true)
	}
	if err != nil {
		p.Warnings = append(p.Warnings, "the server's dry run failed: "+because(err))
	}
	return p, nil
}

// aborts says whether going to a version is an abort of the rollout under way.
func (t *argoRolloutsTarget) aborts(r rolloutObject, revisions []revision, to string) bool {
	stable, ok := byHash(revisions, r.Status.StableRS)
	return ok && r.underWay() && !r.Status.Abort && stable.id == to
}

func (t *argoRolloutsTarget) Execute(ctx context.Context, p health.Plan, op, reason string) error {
	r, revisions, s, err := t.look(ctx)
	if err := same(s, p, err); err != nil {
		return err
	}
	if t.aborts(r, revisions, p.To) {
		return t.patch(ctx, t.path()+"/status", mergePatch, map[string]any{
			"metadata": map[string]string{"resourceVersion": r.Metadata.ResourceVersion}, "status": map[string]bool{"abort": true}}, false)
	}
	ops, err := undo(r.Metadata, r.Spec.Template, revisions, p, strings.TrimSpace("sickbay "+op+": "+redact(tidy(reason, 200))))
	if err != nil {
		return err
	}
	return t.patch(ctx, t.path(), jsonPatch, ops, false)
}

// Fence is for an answer that was lost: whatever was sent cannot happen any more.
func (t *argoRolloutsTarget) Fence(ctx context.Context, p health.Plan) error {
	r, _, s, err := t.look(ctx)
	if err != nil {
		return err
	}
	if s.Token != p.Token || s.Version != p.From {
		return ErrMoved
	}
	return t.fence(ctx, t.path(), r.Metadata, p.ID)
}
