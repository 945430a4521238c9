package rollback

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "kubernetes",
		Doc: "A Deployment or StatefulSet: its pod template goes back to that of an earlier ReplicaSet or ControllerRevision. " +
			"The write fails if anything changed since it was looked at; annotations stay, but for change-cause. " +
			"What is not in the template (ConfigMaps, Secrets, the replicas) does not go back.",
		Example: `service = "legal-search"
kind = "deploy"
driver = "kubernetes"
url = "http://127.0.0.1:8001"      # kubectl proxy; in a cluster https://kubernetes.default.svc and the files below
namespace = "assist"
resource = "deployment"            # or statefulset
name_in_cluster = "legal-search"
container = ""                     # whose image tag names the version; "": the first
timeout = "15s"
# bearer_token_file = "/var/run/secrets/kubernetes.io/serviceaccount/token"
# ca_file = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
# cert_file = "me.pem"
# key_file = "me.key"
`,
		Open: openKubernetes,
	})
}

type kubernetesConfig struct {
	kubeConfig
	Resource string `toml:"resource"`
}

type kubernetesTarget struct {
	info health.Target
	c    kubernetesConfig
	*api
	dir string // of the API: "/apis/apps/v1/namespaces/NS/"
}

func openKubernetes(info health.Target, decode Decode) (Target, error) {
	c := kubernetesConfig{Resource: "deployment"}
	a, err := openKube(decode, &c, &c.kubeConfig)
	if err != nil {
		return nil, err
	}
	if c.Resource != "deployment" && c.Resource != "statefulset" {
		return nil, fmt.Errorf("resource: %q: deployment or statefulset", tidy(c.Resource, 40))
	}
	return &kubernetesTarget{info, c, a, "/apis/apps/v1/namespaces/" + seg(c.Namespace) + "/"}, nil
}

func (t *kubernetesTarget) Info() health.Target { return t.info }

func (t *kubernetesTarget) Caps() Caps {
	return Caps{CompareAndSwap: true, Idempotent: true, Patience: 10 * time.Minute, Words: "compare-and-swap by resource version and template · the same template twice is one rollout · " +
		"ConfigMaps, Secrets and replicas do not go back"}
}

func (t *kubernetesTarget) path() string { return t.dir + t.c.Resource + "s/" + seg(t.c.Name) }

// workload is a Deployment or a StatefulSet.
type workload struct {
	Metadata kubeMeta `json:"metadata"`
	Spec     struct {
		Paused   bool            `json:"paused"`
		Replicas *int            `json:"replicas"`
		Template json.RawMessage `json:"template"`
		Selector struct {
			MatchLabels map[string]string `json:"matchLabels"`
		} `json:"selector"`
		UpdateStrategy struct {
			Type string `json:"type"`
		} `json:"updateStrategy"`
	} `json:"spec"`
	Status struct {
		ObservedGeneration int64  `json:"observedGeneration"`
		Replicas           int    `json:"replicas"`
		UpdatedReplicas    int    `json:"updatedReplicas"`
		AvailableReplicas  int    `json:"availableReplicas"`
		ReadyReplicas      int    `json:"readyReplicas"`
		CurrentRevision    string `json:"currentRevision"`
		UpdateRevision     string `json:"updateRevision"`
		Conditions         []struct{ Type, Status, Reason, Message string }
	} `json:"status"`
}

// ready is what kubectl rollout status waits for.
func (w workload) ready() bool {
	want := 1
	if w.Spec.Replicas != nil {
		want = *w.Spec.Replicas
	}
	s := w.Status
	return s.ObservedGeneration >= w.Metadata.Generation && s.UpdatedReplicas >= want && s.Replicas <= s.UpdatedReplicas &&
		max(s.AvailableReplicas, s.ReadyReplicas) >= want
}

// stuck is why a rollout will not end, as the Deployment itself says.
func (w workload) stuck() []string {
	for _, c := range w.Status.Conditions {
		if c.Type == "Progressing" && c.Reason == "ProgressDeadlineExceeded" {
			return []string{"its rollout has exceeded its deadline: " + tidy(c.Message, 120)}
		}
	}
	if w.Spec.UpdateStrategy.Type == "OnDelete" {
		return []string{"its strategy is OnDelete: pods change only when somebody deletes them"}
	}
	return nil
}

// look is one look at everything: the workload, its revisions, what follows.
func (t *kubernetesTarget) look(ctx context.Context) (workload, []revision, State, error) {
	var w workload
	if err := t.read(ctx, t.path(), &w); err != nil {
		return w, nil, State{}, err
	}
	_, canon, tag, err := podTemplate(w.Spec.Template, t.c.Container)
	if err != nil {
		return w, nil, State{}, err
	}
	list := t.replicaSets
	if t.c.Resource == "statefulset" {
		list = t.controllerRevisions
	}
	revisions, err := list(ctx, w)
	if err != nil {
		return w, nil, State{}, err
	}
	s := stateOfRevisions(canon, tag, named(revisions))
	s.Token, s.Ready, s.At = w.Metadata.token(), w.ready(), time.Now()
	if w.Spec.Paused {
		s.Blocked = "its rollouts are paused: kubectl rollout resume, then plan again"
	}
	s.Notes = append(w.Metadata.keepers(), w.stuck()...)
	return w, revisions, s, nil
}

func (t *kubernetesTarget) replicaSets(ctx context.Context, w workload) ([]revision, error) {
	var list struct{ Items []workload }
	if err := t.read(ctx, t.dir+"replicasets?limit=500&labelSelector="+selector(w.Spec.Selector.MatchLabels), &list); err != nil {
		return nil, fmt.Errorf("its ReplicaSets cannot be listed: %w", err)
	}
	return revisionsOf(list.Items, w.Metadata.UID, "deployment.kubernetes.io/revision", "pod-template-hash", t.c.Container), nil
}

// revisionsOf reads ReplicaSets as revisions of their owner.
func revisionsOf(sets []workload, owner, numbered, hashed, container string) []revision {
	var all []revision
	for _, rs := range sets {
		clean, canon, tag, err := podTemplate(rs.Spec.Template, container)
		if err != nil || !rs.Metadata.ownedBy(owner) {
			continue
		}
		n, _ := strconv.ParseInt(rs.Metadata.Annotations[numbered], 10, 64)
		all = append(all, revision{hash: rs.Metadata.Labels[hashed], number: n, at: rs.Metadata.CreationTimestamp, tag: tag,
			note: strings.TrimSpace(fmt.Sprintf("revision %d  %s", n, rs.Metadata.Annotations[changeCause])), template: clean, canon: canon})
	}
	return all
}

func (t *kubernetesTarget) controllerRevisions(ctx context.Context, w workload) ([]revision, error) {
	var list struct {
		Items []struct {
			Metadata kubeMeta `json:"metadata"`
			Revision int64    `json:"revision"`
			Data     struct {
				Spec struct {
					Template json.RawMessage `json:"template"`
				} `json:"spec"`
			} `json:"data"`
		}
	}
	if err := t.read(ctx, t.dir+"controllerrevisions?limit=500&labelSelector="+selector(w.Spec.Selector.MatchLabels), &list); err != nil {
		return nil, fmt.Errorf("its ControllerRevisions cannot be listed: %w", err)
	}
	var all []revision
	for _, c := range list.Items {
		clean, canon, tag, err := podTemplate(c.Data.Spec.Template, t.c.Container)
		if err != nil || !c.Metadata.ownedBy(w.Metadata.UID) {
			continue
		}
		all = append(all, revision{hash: c.Metadata.Name[strings.LastIndexByte(c.Metadata.Name, '-')+1:], number: c.Revision, at: c.Metadata.CreationTimestamp,
			tag: tag, note: fmt.Sprintf("revision %d", c.Revision), template: clean, canon: canon})
	}
	return all, nil
}

func (t *kubernetesTarget) Current(ctx context.Context) (State, error) {
	_, _, s, err := t.look(ctx)
	return looked(t, s, err)
}

// Plan lets the server check the very write it would be: admission and all.
func (t *kubernetesTarget) Plan(ctx context.Context, to string) (health.Plan, error) {
	w, revisions, s, err := t.look(ctx)
	if err != nil {
		return health.Plan{}, unread(t, err)
	}
	s.Notes = append(s.Notes, t.scalers(ctx)...)
	p, err := draft(t.info, t.Caps(), s, to, time.Now())
	if err != nil {
		return health.Plan{}, err
	}
	ops, err := undo(w.Metadata, w.Spec.Template, revisions, p, "sickbay dry run")
	if err == nil {
		err = t.patch(ctx, t.path(), jsonPatch, ops, true)
	}
	switch {
	case errors.Is(err, ErrDenied):
		p.Warnings = append(p.Warnings, "the server would not let you: "+because(err))
	case err != nil:
		p.Warnings = append(p.Warnings, "the server's dry run failed: "+because(err))
	default:
		p.Diff = append(p.Diff, "  the server has tried it without keeping it: it would be taken")
	}
	return p, nil
}

// scalers says which autoscaler changes the replicas; nothing, if it may not be asked.
func (t *kubernetesTarget) scalers(ctx context.Context) []string {
	var list struct {
		Items []struct {
			Metadata kubeMeta `json:"metadata"`
			Spec     struct {
				ScaleTargetRef struct{ Kind, Name string }
			} `json:"spec"`
		}
	}
	if t.read(ctx, "/apis/autoscaling/v2/namespaces/"+seg(t.c.Namespace)+"/horizontalpodautoscalers?limit=500", &list) != nil {
		return nil
	}
	for _, h := range list.Items {
		if ref := h.Spec.ScaleTargetRef; strings.EqualFold(ref.Kind, t.c.Resource) && ref.Name == t.c.Name {
			return []string{"autoscaler " + tidy(h.Metadata.Name, 60) + " sets the replicas: only the template goes back"}
		}
	}
	return nil
}

// undo is the write: tests first, so that it fails as a whole if anything moved.
func undo(m kubeMeta, now json.RawMessage, revisions []revision, p health.Plan, why string) ([]patchOp, error) {
	for _, r := range revisions {
		if r.id == p.To {
			return []patchOp{
				{"test", "/metadata/uid", m.UID},
				{"test", "/metadata/resourceVersion", m.ResourceVersion},
				{"test", "/spec/template", now},
				{"replace", "/spec/template", r.template},
				cause(m, why),
			}, nil
		}
	}
	return nil, fmt.Errorf("%w: there is no revision %s any more", ErrFailed, p.To)
}

func (t *kubernetesTarget) Execute(ctx context.Context, p health.Plan, op, reason string) error {
	w, revisions, s, err := t.look(ctx)
	if err := same(s, p, err); err != nil {
		return err
	}
	ops, err := undo(w.Metadata, w.Spec.Template, revisions, p, "sickbay "+op+": "+redact(tidy(reason, 200)))
	if err != nil {
		return err
	}
	return t.patch(ctx, t.path(), jsonPatch, ops, false)
}

// Fence is for an answer that was lost: whatever was sent cannot happen any more.
func (t *kubernetesTarget) Fence(ctx context.Context, p health.Plan) error {
	var w workload
	if err := t.read(ctx, t.path(), &w); err != nil {
		return err
	}
	if w.Metadata.token() != p.Token {
		return ErrMoved
	}
	return t.fence(ctx, t.path(), w.Metadata, p.ID)
}
