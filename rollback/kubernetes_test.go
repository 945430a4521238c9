package rollback

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func openWorkload(t *testing.T, c *cluster) Target {
	driver, section := "kubernetes", fmt.Sprintf("resource = %q\n", strings.ToLower(c.kind))
	if c.kind == "Rollout" {
		driver, section = "argo-rollouts", ""
	}
	return openFake(t, driver, section+"namespace = \"assist\"\nname_in_cluster = \"chat\"", &c.fake)
}

func kubernetesWorld(t *testing.T) world {
	c := newCluster("Deployment")
	return c.world(openWorkload(t, c), c.version, c.set)
}

func statefulWorld(t *testing.T) world {
	c := newCluster("StatefulSet")
	return c.world(openWorkload(t, c), c.version, c.set)
}

func TestAWorkloadIsWhatItsTemplateIs(t *testing.T) {
	c := newCluster("Deployment")
	target := openWorkload(t, c)
	s, err := target.Current(t.Context())
	if err != nil || s.Version != "v32" || s.Back != "v31" || !s.Ready || len(s.Notes) != 0 || s.Blocked != "" {
		t.Fatalf("%+v, %v", s, err)
	}
	if !strings.Contains(s.History[len(s.History)-1].Note, "revision 1") || len(s.History) != 3 {
		t.Errorf("history %+v: another workload's revisions do not belong in it", s.History)
	}
	same := asObj(c.items[0])
	same["metadata"].(obj)["labels"].(obj)["pod-template-hash"] = "hx"
	same["spec"].(obj)["template"].(obj)["spec"].(obj)["containers"].(list)[0].(obj)["env"] = nil
	c.items = append(c.items, same)
	s, _ = target.Current(t.Context())
	if got := ids(s.History); !strings.Contains(got, "v30#hv30") || !strings.Contains(got, "v30#hx") {
		t.Errorf("two revisions of one image are told apart as %s", got)
	}
}

// TestAfterARollbackTheVersionBeforeIsNotTheBadOne: the old revision moves to the top,
// and "the second highest", which kubectl takes, is the one that was bad.
func TestAfterARollbackTheVersionBeforeIsNotTheBadOne(t *testing.T) {
	w := kubernetesWorld(t)
	p, _ := w.target.Plan(t.Context(), "")
	if err := w.target.Execute(t.Context(), p, p.ID, "worse answers"); err != nil {
		t.Fatal(err)
	}
	if s, _ := w.target.Current(t.Context()); s.Version != "v31" || s.Back != "v30" {
		t.Errorf("runs %s, and R would go to %s", s.Version, s.Back)
	}
}

func TestAWorkloadSaysWhoWillBringTheBadVersionBack(t *testing.T) {
	for _, c := range []struct {
		name        string
		labels, ann obj
		owner       string
		want        string
	}{
		{"Argo CD", nil, obj{"argocd.argoproj.io/tracking-id": "app:apps/Deployment:x"}, "", "Argo CD keeps it"},
		{"Flux", obj{"kustomize.toolkit.fluxcd.io/name": "apps"}, nil, "", "Flux keeps it (kustomization apps)"},
		{"Flux with Helm", obj{"helm.toolkit.fluxcd.io/name": "chat", "app.kubernetes.io/managed-by": "Helm"}, nil, "", "Flux keeps it (helm release chat)"},
		{"Helm", obj{"app.kubernetes.io/managed-by": "Helm"}, obj{"meta.helm.sh/release-name": "chat"}, "", "Helm release chat holds it"},
		{"kubectl apply", nil, obj{"kubectl.kubernetes.io/last-applied-configuration": "{}"}, "", "the next apply"},
		{"an operator", nil, nil, "InferenceService", "belongs to InferenceService boss"},
	} {
		cl := newCluster("Deployment")
		target := openWorkload(t, cl)
		if c.labels != nil {
			cl.meta()["labels"] = c.labels
		}
		for k, v := range c.ann {
			cl.meta()["annotations"].(obj)[k] = v
		}
		if c.owner != "" {
			cl.meta()["ownerReferences"] = list{obj{"kind": c.owner, "name": "boss", "controller": true}}
		}
		s, err := target.Current(t.Context())
		if err != nil || !strings.Contains(strings.Join(s.Notes, "\n"), c.want) {
			t.Errorf("%s: %q, %v", c.name, s.Notes, err)
		}
		p, err := target.Plan(t.Context(), "")
		if err != nil || !strings.Contains(strings.Join(p.Warnings, "\n"), c.want) {
			t.Errorf("%s: the plan warns of %q, %v", c.name, p.Warnings, err)
		}
	}
	cl := newCluster("Deployment")
	cl.hpas = list{obj{"metadata": obj{"name": "chat-hpa"}, "spec": obj{"scaleTargetRef": obj{"kind": "Deployment", "name": "chat"}}}}
	if p, err := openWorkload(t, cl).Plan(t.Context(), ""); err != nil || !strings.Contains(strings.Join(p.Warnings, "\n"), "autoscaler chat-hpa") {
		t.Errorf("%q, %v", p.Warnings, err)
	}
}

func TestAWorkloadThatIsPausedOrStillRolling(t *testing.T) {
	c := newCluster("Deployment")
	target := openWorkload(t, c)
	c.object["spec"].(obj)["paused"] = true
	if s, _ := target.Current(t.Context()); !strings.Contains(s.Blocked, "paused") {
		t.Errorf("blocked %q", s.Blocked)
	}
	if _, err := target.Plan(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "paused") {
		t.Errorf("a plan for it: %v", err)
	}
	c.object["spec"].(obj)["paused"] = false
	c.object["status"].(obj)["updatedReplicas"] = 1.0
	c.object["status"].(obj)["conditions"] = list{obj{"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "timed out"}}
	if s, _ := target.Current(t.Context()); s.Ready || !strings.Contains(strings.Join(s.Notes, ""), "exceeded its deadline: timed out") {
		t.Errorf("%+v", s)
	}
}

func TestTheWriteFailsIfAnythingMoved(t *testing.T) {
	c := newCluster("Deployment")
	target := openWorkload(t, c)
	p, err := target.Plan(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(p.Diff, "\n"), "it would be taken") || c.writes != 0 {
		t.Errorf("the server was not asked to try it: %q, %d writes", p.Diff, c.writes)
	}
	inner := c.handle
	c.handle = func(w httpWriter, r *httpRequest, body []byte) {
		if r.Method == "PATCH" { // somebody is faster, between the look and the write
			c.handle = inner
			c.rv++
			c.meta()["resourceVersion"] = fmt.Sprint(c.rv)
		}
		inner(w, r, body)
	}
	if err := target.Execute(t.Context(), p, p.ID, "worse answers"); !errors.Is(err, ErrMoved) || !strings.Contains(err.Error(), "resourceVersion") || c.writes != 0 {
		t.Errorf("%v, %d writes", err, c.writes)
	}
}

func TestAnnotationsStayButForChangeCause(t *testing.T) {
	c := newCluster("Deployment")
	target := openWorkload(t, c)
	p, _ := target.Plan(t.Context(), "")
	if err := target.Execute(t.Context(), p, "op-7", "worse answers, token=s3cretvalue"); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.meta()["annotations"]); got != "map[kubernetes.io/change-cause:sickbay op-7: worse answers, token="+redacted+" team:assist]" {
		t.Errorf("annotations %s", got)
	}
	if got := fmt.Sprint(c.object["spec"].(obj)["template"].(obj)["metadata"]); strings.Contains(got, "hash") {
		t.Errorf("the controller's own label was put back: %s", got)
	}
}

func TestAFenceMakesALateWriteFail(t *testing.T) {
	c := newCluster("Deployment")
	target := openWorkload(t, c)
	p, _ := target.Plan(t.Context(), "")
	var late []byte
	inner := c.handle
	c.handle = func(w httpWriter, r *httpRequest, body []byte) {
		if r.Method == "PATCH" && late == nil { // it is lost on its way
			late = body
			panic(abort)
		}
		inner(w, r, body)
	}
	if err := target.Execute(t.Context(), p, p.ID, "worse answers"); err == nil || errors.Is(err, ErrFailed) || errors.Is(err, ErrMoved) {
		t.Fatalf("a lost request is %v", err)
	}
	if err := target.(Fencer).Fence(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if s, _ := target.Current(t.Context()); s.Version != "v32" || s.Token != p.Token {
		t.Errorf("the fence changed what runs: %+v", s)
	}
	code, _ := deliver(c, late)
	if code != 422 || c.version() != "v32" {
		t.Errorf("it came late and gave %d, and %s runs", code, c.version())
	}
	c.set("v33")
	if err := target.(Fencer).Fence(t.Context(), p); !errors.Is(err, ErrMoved) {
		t.Errorf("a fence around what somebody else changed: %v", err)
	}
}

func TestImageTagsAreVersions(t *testing.T) {
	for image, want := range map[string]string{
		"chat": "latest", "chat:v1": "v1", "reg:5000/a/chat": "latest", "reg:5000/a/chat:1.2": "1.2",
		"chat@sha256:0123456789abcdef": "sha256-0123456789ab", "reg/chat:v2@sha256:0123456789abcdef": "v2", "": "latest", "a@": "sha256-",
	} {
		if got := imageTag(image); got != want {
			t.Errorf("%q is %q, want %q", image, got, want)
		}
	}
}

func FuzzPodTemplate(f *testing.F) {
	f.Add(`{"metadata":{"labels":{"pod-template-hash":"a"},"creationTimestamp":null},"spec":{"containers":[{"image":"a:b"}]}}`)
	f.Add(`{"metadata":[],"spec":{"containers":{}}}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, raw string) {
		clean, canon, _, err := podTemplate([]byte(raw), "")
		if err != nil {
			return
		}
		if _, again, _, err := podTemplate(clean, ""); err != nil || again != canon {
			t.Errorf("%q becomes %q, and that %q, %v", raw, canon, again, err)
		}
	})
}
