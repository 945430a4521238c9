//go:build integration

package rollback

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"sickbay/health"
)

// TestIntegrationLiteLLMOfAConfigFileIsBlocked asks a real proxy that has no database: what
// it runs is read, that it cannot be changed there is seen before anything is sent, and a
// wrong key is an error. The write itself needs PostgreSQL and Prisma's query engine, and
// was not seen.
func TestIntegrationLiteLLMOfAConfigFileIsBlocked(t *testing.T) {
	server := installed("LITELLM", "litellm")
	if server == "" {
		t.Skip("no LiteLLM proxy is installed (pip install 'litellm[proxy]'; LITELLM=/path/to/litellm): its answers are those of a fake")
	}
	t.Setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True") // it would ask GitHub for prices
	const key = "sk-4f9a8c7e6d5b4a3f2e1d0c9b8a7f6e5d"
	config := file(t, "config.yaml", "model_list:\n  - model_name: chat\n    litellm_params: {model: openai/gpt-5, api_key: none}\ngeneral_settings: {master_key: "+key+"}\n")
	address := freePort(t)
	_, port, _ := net.SplitHostPort(address)
	launch(t, "http://"+address+"/health/liveliness", 2*time.Minute, server, "--config", config, "--host", "127.0.0.1", "--port", port)
	open := func(key string) Target {
		target, err := Open(info("litellm"), fromTOML(fmt.Sprintf("url = %q\ntoken = %q\nmodel_name = \"chat\"\nversions = [\"openai/gpt-5\", \"openai/gpt-4.1\"]\n%s",
			"http://"+address, key, seen(t, "openai/gpt-4.1", "openai/gpt-5"))))
		if err != nil {
			t.Fatal(err)
		}
		return target
	}
	target := open(key)
	s, err := target.Current(t.Context())
	if err != nil || s.Version != "openai/gpt-5" || s.Back != "openai/gpt-4.1" || !strings.Contains(s.Blocked, "config file") {
		t.Fatalf("%+v, %v", s, err)
	}
	if _, err := target.Plan(t.Context(), "openai/gpt-4.1"); err == nil || !strings.Contains(err.Error(), "config file") {
		t.Errorf("a plan: %v", err)
	}
	p := health.Plan{Target: "chat/model", From: s.Version, To: "openai/gpt-4.1", Token: s.Token}
	if err := target.Execute(t.Context(), p, "op-1", "to see what it says"); !errors.Is(err, ErrFailed) || !strings.Contains(err.Error(), "nothing was sent") {
		t.Errorf("an order all the same: %v", err)
	}
	if _, err := open("sk-wrong-key-of-somebody").Current(t.Context()); err == nil || strings.Contains(err.Error(), "sk-wrong") {
		t.Errorf("a wrong key: %v", err)
	}
}
