package rollback

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"

	"sickbay/health"
)

// What the targets that live in a Kubernetes cluster have in common. The API is
// spoken over plain REST: client-go is many times the size of sickbay.

// kubeConfig are the keys of a target in a cluster.
type kubeConfig struct {
	apiConfig
	Namespace string `toml:"namespace"`
	Name      string `toml:"name_in_cluster"`
	Container string `toml:"container"` // whose image names the version; "": the first
}

// kubeMax is the longest answer of a cluster that is read: lists are long there.
const kubeMax = 16 << 20

func openKube(decode Decode, all any, c *kubeConfig) (*api, error) {
	c.Namespace = "default"
	a, err := openAPI(decode, all, &c.apiConfig)
	if err != nil {
		return nil, err
	}
	for key, v := range map[string]string{"namespace": c.Namespace, "name_in_cluster": c.Name} {
		if !kubeName(v) {
			return nil, fmt.Errorf("%s: %q is no name of Kubernetes", key, tidy(v, 60))
		}
	}
	a.max = kubeMax
	a.moved = append(a.moved, http.StatusUnprocessableEntity) // a failed test of a JSON Patch
	return a, nil
}

// kubeName says whether s is a DNS subdomain name, as RFC 1123 and Kubernetes have it.
func kubeName(s string) bool {
	return s != "" && len(s) <= 253 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.'
	})
}

// kubeMeta is the part of metadata that matters here.
type kubeMeta struct {
	Name              string            `json:"name"`
	UID               string            `json:"uid"`
	ResourceVersion   string            `json:"resourceVersion"`
	Generation        int64             `json:"generation"`
	CreationTimestamp time.Time         `json:"creationTimestamp"`
	Labels            map[string]string `json:"labels"`
	Annotations       map[string]string `json:"annotations"`
	OwnerReferences   []struct {
		Kind       string `json:"kind"`
		Name       string `json:"name"`
		UID        string `json:"uid"`
		Controller bool   `json:"controller"`
	} `json:"ownerReferences"`
}

// token is what a plan was made on: another object, or another spec, is another token.
func (m kubeMeta) token() string { return m.UID + "." + strconv.FormatInt(m.Generation, 10) }

func (m kubeMeta) ownedBy(uid string) bool {
	for _, o := range m.OwnerReferences {
		if o.UID == uid && o.Controller {
			return true
		}
	}
	return false
}

const changeCause = "kubernetes.io/change-cause"

// keepers are who will set an object back to what they were told, as labels and
// annotations give them away.
func (m kubeMeta) keepers() []string {
	var notes []string
	say := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	label, note := func(k string) string { return tidy(m.Labels[k], 80) }, func(k string) string { return tidy(m.Annotations[k], 80) }
	if v := note("argocd.argoproj.io/tracking-id"); v != "" {
		say("Argo CD keeps it (%s): the next sync brings the present version back; change git, too", v)
	} else if v := label("argocd.argoproj.io/instance"); v != "" {
		say("Argo CD keeps it (%s): the next sync brings the present version back; change git, too", v)
	}
	if v := label("kustomize.toolkit.fluxcd.io/name"); v != "" {
		say("Flux keeps it (kustomization %s): the next reconciliation brings the present version back; suspend it or change git", v)
	}
	if v := label("helm.toolkit.fluxcd.io/name"); v != "" {
		say("Flux keeps it (helm release %s): the next reconciliation brings the present version back; suspend it or change git", v)
	} else if label("app.kubernetes.io/managed-by") == "Helm" {
		say("Helm release %s holds it: the next upgrade goes forward from what Helm knows; driver \"helm\" rolls the release back", or(note("meta.helm.sh/release-name"), "?"))
	}
	if m.Annotations["kubectl.kubernetes.io/last-applied-configuration"] != "" {
		say("it was deployed by kubectl apply: the next apply of the same file brings the present version back")
	}
	for _, o := range m.OwnerReferences {
		if o.Controller {
			say("it belongs to %s %s, which may set it forward again", tidy(o.Kind, 40), tidy(o.Name, 60))
		}
	}
	return notes
}

// or is s, or what to say where there is none.
func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// A revision is one pod template a workload has had.
type revision struct {
	id       string
	hash     string
	number   int64
	at       time.Time
	tag      string
	note     string
	template json.RawMessage // as it would be put back
	canon    string          // the same, comparable
}

// podTemplate reads a pod template: its image's tag, and a form in which two that
// are the same are equal. What controllers add to it is taken out.
func podTemplate(raw json.RawMessage, container string) (clean json.RawMessage, canon, tag string, err error) {
	var t map[string]any
	if err := json.Unmarshal(raw, &t); err != nil || t == nil {
		return nil, "", "", errors.New("its pod template cannot be read")
	}
	delete(t, "$patch")
	if meta, ok := t["metadata"].(map[string]any); ok {
		if meta["creationTimestamp"] == nil {
			delete(meta, "creationTimestamp")
		}
		if labels, ok := meta["labels"].(map[string]any); ok {
			delete(labels, "pod-template-hash")
			delete(labels, "rollouts-pod-template-hash")
			delete(labels, "controller-revision-hash")
		}
	}
	clean, err = json.Marshal(t) // keys in order
	if err != nil {
		return nil, "", "", err
	}
	var spec struct {
		Spec struct {
			Containers []struct{ Name, Image string }
		}
	}
	if json.Unmarshal(clean, &spec) == nil {
		for _, c := range spec.Spec.Containers {
			if tag == "" && (container == "" || c.Name == container) {
				tag = imageTag(c.Image)
			}
		}
	}
	return clean, string(clean), tag, nil
}

// imageTag is the version in an image's name: the tag, else the beginning of the
// digest, else "latest" as the runtime would take it.
func imageTag(image string) string {
	name, digest, pinned := strings.Cut(image, "@")
	name = name[strings.LastIndexByte(name, '/')+1:]
	if _, tag, ok := strings.Cut(name, ":"); ok {
		return tag
	}
	if pinned {
		_, sum, _ := strings.Cut(digest, ":")
		return "sha256-" + sum[:min(len(sum), 12)]
	}
	return "latest"
}

// named gives revisions their ids: the tag where no other has it, else tag and hash.
// They come newest first, by number.
func named(revisions []revision) []revision {
	sort.SliceStable(revisions, func(i, j int) bool { return revisions[i].number > revisions[j].number })
	count := map[string]int{}
	for _, r := range revisions {
		count[r.tag]++
	}
	for i, r := range revisions {
		if revisions[i].id = r.tag; count[r.tag] > 1 || r.tag == "" {
			revisions[i].id = strings.Trim(r.tag+"#"+r.hash, "#")
		}
	}
	return revisions
}

// stateOfRevisions is the state of a workload that runs the template canon. The
// version before it is the newest by number that is also older: a rolled back
// workload moves its old revision to the top, and "the one below" would then be the
// bad one.
func stateOfRevisions(canon, tag string, revisions []revision) State {
	var versions []health.Version
	current, at := tag, time.Time{}
	for _, r := range revisions {
		versions = append(versions, health.Version{ID: r.id, At: r.at, Note: r.note})
		if r.canon == canon {
			current, at = r.id, r.at
		}
	}
	if versions == nil {
		versions = []health.Version{}
	}
	s := stateOf(current, versions)
	if at.IsZero() {
		return s
	}
	s.Back = ""
	for _, r := range revisions {
		if r.id != current && plainID(r.id) && r.at.Before(at) {
			s.Back = r.id
			break
		}
	}
	return s
}

// patchOp is one operation of a JSON Patch (RFC 6902).
type patchOp struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// cause is the one annotation sickbay writes.
func cause(m kubeMeta, text string) patchOp {
	if m.Annotations == nil {
		return patchOp{"add", "/metadata/annotations", map[string]string{changeCause: text}}
	}
	return patchOp{"add", "/metadata/annotations/kubernetes.io~1change-cause", text}
}

const fieldManager = "fieldManager=sickbay"

// patch makes the one write. dry asks the server to check it and keep nothing.
func (a *api) patch(ctx context.Context, path, kind string, body any, dry bool) error {
	path += "?" + fieldManager
	if dry {
		path += "&dryRun=All"
	}
	_, err := a.send(ctx, http.MethodPatch, path, http.Header{"Content-Type": {kind}}, body)
	return err
}

const (
	jsonPatch  = "application/json-patch+json"
	mergePatch = "application/merge-patch+json"
)

// fence makes a write of ours that may still be on its way fail when it arrives: it
// moves the resource version, which that write tests.
func (a *api) fence(ctx context.Context, path string, m kubeMeta, op string) error {
	body := map[string]any{"metadata": map[string]any{
		"resourceVersion": m.ResourceVersion, "annotations": map[string]string{changeCause: "sickbay " + op + " was not applied and cannot be any more"}}}
	return a.patch(ctx, path, mergePatch, body, false)
}

// selector writes matchLabels as a query.
func selector(labels map[string]string) string {
	var parts []string
	for k, v := range labels {
		parts = append(parts, k+"="+v)
	}
	sort.Strings(parts)
	return url.QueryEscape(strings.Join(parts, ","))
}
