package rollback

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "kserve",
		Doc: "An InferenceService of KServe in Serverless mode: its traffic goes back to the revision that was rolled out before, by canaryTrafficPercent 0. " +
			"There is one level back and no more. Standard (raw) mode does not read that field: there it is blocked.",
		Example: `service = "fraud-score"
kind = "deploy"
driver = "kserve"
url = "http://127.0.0.1:8001"      # kubectl proxy; in a cluster https://kubernetes.default.svc and the files below
namespace = "models"
name_in_cluster = "fraud-score"
settle = "60s"                     # an old revision scaled to zero has to load its model
timeout = "15s"
# bearer_token_file = "/var/run/secrets/kubernetes.io/serviceaccount/token"
# ca_file = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
`,
		Open: openKServe,
	})
}

type kserveConfig struct {
	kubeConfig
	Settle time.Duration `toml:"settle"`
}

type kserveTarget struct {
	info health.Target
	c    kserveConfig
	*api
}

func openKServe(info health.Target, decode Decode) (Target, error) {
	c := kserveConfig{Settle: time.Minute}
	a, err := openKube(decode, &c, &c.kubeConfig)
	if err != nil {
		return nil, err
	}
	return &kserveTarget{info, c, a}, nil
}

func (t *kserveTarget) Info() health.Target { return t.info }

func (t *kserveTarget) Caps() Caps {
	return Caps{CompareAndSwap: true, Idempotent: true, Settle: t.c.Settle, Patience: 10 * time.Minute,
		Words: "compare-and-swap by resource version · one level back only: the revision rolled out before · Serverless mode only"}
}

func (t *kserveTarget) path() string {
	return "/apis/serving.kserve.io/v1beta1/namespaces/" + seg(t.c.Namespace) + "/inferenceservices/" + seg(t.c.Name)
}

// inference is an InferenceService.
type inference struct {
	Metadata kubeMeta `json:"metadata"`
	Spec     struct {
		Predictor struct {
			Canary *int `json:"canaryTrafficPercent"`
		} `json:"predictor"`
	} `json:"spec"`
	Status struct {
		DeploymentMode string `json:"deploymentMode"`
		Conditions     []struct{ Type, Status, Message string }
		Components     map[string]struct {
			LatestReady       string `json:"latestReadyRevision"`
			LatestCreated     string `json:"latestCreatedRevision"`
			LatestRolledout   string `json:"latestRolledoutRevision"`
			PreviousRolledout string `json:"previousRolledoutRevision"`
			Traffic           []struct {
				Revision string `json:"revisionName"`
				Percent  int    `json:"percent"`
			} `json:"traffic"`
		} `json:"components"`
	} `json:"status"`
}

func (t *kserveTarget) look(ctx context.Context) (inference, State, error) {
	var i inference
	if err := t.read(ctx, t.path(), &i); err != nil {
		return i, State{}, err
	}
	p := i.Status.Components["predictor"]
	share := map[string]int{}
	serves := ""
	for _, v := range p.Traffic {
		if share[v.Revision] += v.Percent; serves == "" || share[v.Revision] > share[serves] {
			serves = v.Revision
		}
	}
	back := "" // once it has gone back there is nothing before
	if share[p.LatestReady] > 0 {
		serves = p.LatestReady // what is being rolled out is what would be taken back
		if back = p.LatestRolledout; back == serves {
			back = p.PreviousRolledout
		}
	}
	versions := []health.Version{}
	for _, id := range []string{p.LatestReady, serves, back} {
		if _, there := find(versions, id); id != "" && !there {
			versions = append(versions, health.Version{ID: id, Note: fmt.Sprintf("%d %% of the traffic", share[id])})
		}
	}
	s := stateOf(serves, versions)
	s.Token, s.At, s.Ready = i.Metadata.token(), time.Now(), true
	for _, c := range i.Status.Conditions {
		if c.Type == "Ready" && c.Status != "True" {
			s.Ready = false
			s.Notes = append(s.Notes, "it is not ready: "+tidy(c.Message, 120))
		}
	}
	if len(share) > 1 && share[serves] < 100 {
		s.Notes = append(s.Notes, fmt.Sprintf("%s has %d %% of the traffic only", serves, share[serves]))
	}
	s.Notes = append(s.Notes, i.Metadata.keepers()...)
	mode := or(i.Status.DeploymentMode, i.Metadata.Annotations["serving.kserve.io/deploymentMode"])
	switch {
	case strings.EqualFold(mode, "RawDeployment") || strings.EqualFold(mode, "Standard"):
		s.Blocked = "it runs in Standard (raw) mode, which does not read canaryTrafficPercent: roll its Deployment back, with driver \"kubernetes\""
	case serves == "":
		s.Blocked = "its status says nothing of revisions and traffic"
	}
	if s.Back = ""; back != serves {
		s.Back = back
	}
	return i, s, nil
}

func (t *kserveTarget) Current(ctx context.Context) (State, error) {
	_, s, err := t.look(ctx)
	return looked(t, s, err)
}

func (t *kserveTarget) Plan(ctx context.Context, to string) (health.Plan, error) {
	return planFor(ctx, t, to)
}

func (t *kserveTarget) Execute(ctx context.Context, p health.Plan, _, _ string) error {
	i, s, err := t.look(ctx)
	if err := same(s, p, err); err != nil {
		return err
	}
	var percent any = 0
	if p.To == i.Status.Components["predictor"].LatestReady {
		percent = nil // forward again, as an undo: the newest gets everything
	} else if p.To != s.Back {
		return fmt.Errorf("%w: nothing was sent: KServe goes back one level, to %s", ErrFailed, or(s.Back, "none"))
	}
	return t.patch(ctx, t.path(), mergePatch, map[string]any{
		"metadata": map[string]string{"resourceVersion": i.Metadata.ResourceVersion},
		"spec":     map[string]any{"predictor": map[string]any{"canaryTrafficPercent": percent}}}, false)
}
