package sources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"
)

var contextName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,252}$`)

// ofContext asks kubectl how a context of the kubeconfig gets in. What a plugin
// would have to log in for is not done here: `kubectl proxy` does it.
func (c *clusterConfig) ofContext() error {
	if !contextName.MatchString(c.Context) {
		return fmt.Errorf("context: %q is no name of a context", c.Context)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "kubectl", "config", "view", "--raw", "--minify", "--flatten", "--output=json", "--context="+c.Context).Output()
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("context: kubectl is not installed here; set url and authorization instead")
	}
	if err != nil {
		return fmt.Errorf("context: kubectl does not know %q (%w)", c.Context, err)
	}
	return c.apply(out)
}

// kubeconfig is what is used of a context, as kubectl prints it.
type kubeconfig struct {
	Clusters []struct {
		Cluster struct {
			Server   string `json:"server"`
			CA       []byte `json:"certificate-authority-data"`
			Insecure bool   `json:"insecure-skip-tls-verify"`
			Name     string `json:"tls-server-name"`
		} `json:"cluster"`
	} `json:"clusters"`
	Contexts []struct {
		Context struct {
			Namespace string `json:"namespace"`
		} `json:"context"`
	} `json:"contexts"`
	Users []struct {
		User struct {
			Token     string          `json:"token"`
			TokenFile string          `json:"tokenFile"`
			Cert      []byte          `json:"client-certificate-data"`
			Key       []byte          `json:"client-key-data"`
			Exec      json.RawMessage `json:"exec"`
		} `json:"user"`
	} `json:"users"`
}

// apply takes over a kubeconfig of one context.
func (c *clusterConfig) apply(text []byte) error {
	var k kubeconfig
	if err := json.Unmarshal(text, &k); err != nil || len(k.Clusters) == 0 || len(k.Users) == 0 {
		return errors.New("context: kubectl says nothing that can be used; set url and authorization instead")
	}
	cluster, user := k.Clusters[0].Cluster, k.Users[0].User
	c.URL, c.TLSConfig.InsecureSkipVerify, c.TLSConfig.ServerName = cluster.Server, cluster.Insecure, cluster.Name
	if len(k.Contexts) > 0 && c.Namespace == "" {
		c.Namespace = k.Contexts[0].Context.Namespace
	}
	switch {
	case user.Token != "":
		c.Authorization = &authorization{Credentials: user.Token}
	case user.TokenFile != "":
		c.Authorization = &authorization{CredentialsFile: user.TokenFile}
	case len(user.Cert) > 0:
	case len(user.Exec) > 0:
		return errors.New(`context: it logs in with a plugin; run "kubectl proxy" and set url = "http://127.0.0.1:8001"`)
	}
	for what, data := range map[*string][]byte{&c.TLSConfig.CAFile: cluster.CA, &c.TLSConfig.CertFile: user.Cert, &c.TLSConfig.KeyFile: user.Key} {
		if len(data) == 0 {
			continue
		}
		path, err := keep(data)
		if err != nil {
			return fmt.Errorf("context: %w", err)
		}
		*what = path
	}
	return nil
}

// keep writes a certificate where only we can read it: the library takes files.
func keep(data []byte) (string, error) {
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		dir = os.TempDir()
	}
	dir = filepath.Join(dir, fmt.Sprintf("sickbay-%d", os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	if info, err := os.Lstat(dir); err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 {
		return "", fmt.Errorf("%s is not ours alone", dir)
	}
	f, err := os.CreateTemp(dir, "kube-*.pem")
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	return f.Name(), errors.Join(err, f.Close())
}
