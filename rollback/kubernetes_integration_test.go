//go:build integration

package rollback

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

// anybody trusts every certificate: the API server signs its own, on loopback.
var anybody = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}

// realCluster is a real API server on a real etcd. There are no controllers and no nodes:
// the test plays the Deployment controller, which makes ReplicaSets and writes status.
type realCluster struct {
	*testing.T
	url, ca, token string
}

// startCluster finds the servers where envtest has them.
func startCluster(t *testing.T) realCluster {
	t.Helper()
	server, etcd := installed("TEST_ASSET_KUBE_APISERVER", "kube-apiserver"), installed("TEST_ASSET_ETCD", "etcd")
	if server == "" || etcd == "" {
		t.Skip("no kube-apiserver or no etcd (TEST_ASSET_KUBE_APISERVER, TEST_ASSET_ETCD; docs/rollback-testing.md builds them): Kubernetes is a fake")
	}
	dir, store, peer, api := t.TempDir(), freePort(t), freePort(t), freePort(t)
	launch(t, "http://"+store+"/health", 30*time.Second, etcd, "--data-dir", dir+"/etcd", "--listen-client-urls", "http://"+store,
		"--advertise-client-urls", "http://"+store, "--listen-peer-urls", "http://"+peer, "--initial-advertise-peer-urls", "http://"+peer, "--initial-cluster", "default=http://"+peer)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c := realCluster{t, "https://" + api, filepath.Join(dir, "certs", "apiserver.crt"), "a-token-of-the-test"}
	sign := file(t, "sa.key", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})))
	tokens := file(t, "tokens.csv", c.token+",sickbay,1,system:masters\nanother-token,reader,2\n")
	host, port, _ := net.SplitHostPort(api)
	launch(t, c.url+"/readyz", time.Minute, server, "--etcd-servers", "http://"+store, "--bind-address", host, "--advertise-address", host, "--secure-port", port,
		"--cert-dir", filepath.Join(dir, "certs"), "--service-cluster-ip-range", "10.0.0.0/24", "--authorization-mode", "RBAC", "--token-auth-file", tokens,
		"--service-account-issuer", "https://test", "--service-account-key-file", sign, "--service-account-signing-key-file", sign,
		"--disable-admission-plugins", "ServiceAccount")
	return c
}

const deployments = "/apis/apps/v1/namespaces/default/deployments"

func (c realCluster) do(method, path, kind string, body any) []byte {
	c.Helper()
	js, err := json.Marshal(body)
	if err != nil {
		c.Fatal(err)
	}
	return must(c.T, method, c.url+path, string(js), "Authorization", "Bearer "+c.token, "Content-Type", kind)
}

func chatPod(version string) obj {
	return obj{"metadata": obj{"labels": obj{"app": "chat"}}, "spec": obj{"containers": list{obj{"name": "chat", "image": "registry.example.com/chat:" + version}}}}
}

// get is the Deployment as it is.
func (c realCluster) get() (w workload) {
	c.Helper()
	if err := json.Unmarshal(c.do("GET", deployments+"/chat", "application/json", nil), &w); err != nil {
		c.Fatal(err)
	}
	return w
}

// deploy sets the Deployment to a version, as kubectl set image does.
func (c realCluster) deploy(version string) {
	c.do("PATCH", deployments+"/chat", jsonPatch, list{obj{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "registry.example.com/chat:" + version}})
}

// control plays the controller for one revision: its ReplicaSet, and a rollout that has ended.
func (c realCluster) control(revision int, version string) {
	w := c.get()
	hash := "h" + version
	template := chatPod(version)
	template["metadata"] = obj{"labels": obj{"app": "chat", "pod-template-hash": hash}}
	c.do("POST", "/apis/apps/v1/namespaces/default/replicasets", "application/json", obj{"apiVersion": "apps/v1", "kind": "ReplicaSet",
		"metadata": obj{"name": "chat-" + hash, "labels": obj{"app": "chat", "pod-template-hash": hash}, "annotations": obj{"deployment.kubernetes.io/revision": fmt.Sprint(revision)},
			"ownerReferences": list{obj{"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat", "uid": w.Metadata.UID, "controller": true}}},
		"spec": obj{"replicas": 1, "selector": obj{"matchLabels": obj{"app": "chat", "pod-template-hash": hash}}, "template": template}})
	c.settle()
	time.Sleep(1100 * time.Millisecond) // creation times are whole seconds
}

// settle says that the rollout of what is wanted now has ended.
func (c realCluster) settle() {
	w := c.get()
	c.do("PATCH", deployments+"/chat/status", mergePatch, obj{"status": obj{"observedGeneration": w.Metadata.Generation, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}})
}

// runs is the version in the template.
func (c realCluster) runs() string {
	_, _, tag, err := podTemplate(c.get().Spec.Template, "")
	if err != nil {
		c.Fatal(err)
	}
	return tag
}

func (c realCluster) target(token string) Target {
	t, err := Open(info("kubernetes"), fromTOML(fmt.Sprintf("url = %q\nca_file = %q\ntoken = %q\nname_in_cluster = \"chat\"\n", c.url, c.ca, token)))
	if err != nil {
		c.Fatal(err)
	}
	return t
}

func TestIntegrationARealAPIServerComparesAndSwaps(t *testing.T) {
	c := startCluster(t)
	c.do("POST", deployments, "application/json", obj{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": obj{"name": "chat", "annotations": obj{"team": "assist"}},
		"spec": obj{"replicas": 1, "selector": obj{"matchLabels": obj{"app": "chat"}}, "template": chatPod("v1")}})
	c.control(1, "v1")
	c.deploy("v2")
	c.control(2, "v2")
	target := c.target(c.token)

	s, err := target.Current(t.Context())
	if err != nil || s.Version != "v2" || s.Back != "v1" || !s.Ready {
		t.Fatalf("%+v, %v", s, err)
	}
	before := c.get().Metadata
	p, err := target.Plan(t.Context(), "")
	if err != nil || !strings.Contains(strings.Join(p.Diff, "\n"), "the server has tried it without keeping it") {
		t.Fatalf("the plan: %+v, %v", p, err)
	}
	if now := c.get().Metadata; now.ResourceVersion != before.ResourceVersion {
		t.Errorf("a plan has changed the Deployment: %s, then %s", before.ResourceVersion, now.ResourceVersion)
	}

	b := atWork(t, target)
	stop := make(chan struct{})
	go func() { // the controller's part of the rollout, once it is wanted
		defer close(stop)
		for c.runs() != "v1" {
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(3 * time.Second)
		c.settle()
	}()
	op := b.rollBack("", nil)
	<-stop
	after := c.get().Metadata
	if op.State != health.OpUnproven || c.runs() != "v1" || after.Annotations["team"] != "assist" || !strings.Contains(after.Annotations[changeCause], op.ID) {
		t.Errorf("%s: %s; it runs %s, annotations %v", op.State, op.Text, c.runs(), after.Annotations)
	}
	if took := op.Applied.Sub(op.At); took < 3*time.Second {
		t.Errorf("applied after %s, before the rollout had ended", took)
	}

	// Somebody deploys between plan and order: nothing is sent.
	if op := b.rollBack("v2", func() { c.deploy("v3"); c.control(3, "v3") }); op.State != health.OpMoved || c.runs() != "v3" {
		t.Errorf("moved in between: %s, %s; it runs %s", op.State, op.Text, c.runs())
	}
	raced(t, c, target)

	if err := deniedTo(c.target("another-token"), t); !errors.Is(err, ErrDenied) {
		t.Errorf("somebody who may not look: %v", err)
	}
	if err := deniedTo(c.target("no-token-at-all"), t); !errors.Is(err, ErrDenied) {
		t.Errorf("somebody nobody knows: %v", err)
	}
}

func deniedTo(target Target, t *testing.T) error {
	_, err := target.Current(t.Context())
	return err
}

// raced: the very patch, sent after the object has moved under it, is refused as a whole
// by the server; and after a fence a late one is.
func raced(t *testing.T, c realCluster, target Target) {
	t.Helper()
	k := target.(*kubernetesTarget)
	w, revisions, s, err := k.look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := draft(k.info, k.Caps(), s, "v1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	late, err := undo(w.Metadata, w.Spec.Template, revisions, p, "late")
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Fence(t.Context(), p); err != nil {
		t.Errorf("the fence: %v", err)
	}
	if err := k.patch(t.Context(), k.path(), jsonPatch, late, false); !errors.Is(err, ErrMoved) || !strings.Contains(err.Error(), "422") || c.runs() != "v3" {
		t.Errorf("a late request after the fence: %v; it runs %s", err, c.runs())
	}
	c.deploy("v4")
	if err := k.Fence(t.Context(), p); !errors.Is(err, ErrMoved) {
		t.Errorf("a fence for what is gone: %v", err)
	}
	if err := k.Execute(t.Context(), p, p.ID, "too late by now"); !errors.Is(err, ErrMoved) || c.runs() != "v4" {
		t.Errorf("an old plan: %v; it runs %s", err, c.runs())
	}
	if _, err := os.Stat(c.ca); err != nil {
		t.Errorf("the certificate it trusts: %v", err)
	}
}
