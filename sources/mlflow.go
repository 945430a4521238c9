package sources

import (
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
		Name: "mlflow",
		Doc: "Changes from MLflow's model registry: aliases that were moved to another version. MLflow keeps no history of them, so they are " +
			"watched: what moved before sickbay looked is not known.",
		Example: `kind = "mlflow"
name = "models"
url = "https://mlflow.example.com"
aliases = ["champion"]   # empty: all of them
` + ledgerExample + webExample,
		Open: openMLflow,
	})
}

type mlflowConfig struct {
	webConfig
	ledgerConfig
	Aliases []string `toml:"aliases"`
}

// mlflowModels is what is used of GET /api/2.0/mlflow/registered-models/search
// (REST API of MLflow 2.3 and later; seen with 3.x).
type mlflowModels struct {
	Models []struct {
		Name    string `json:"name"`
		Aliases []struct {
			Alias   string `json:"alias"`
			Version any    `json:"version"` // a text; a number elsewhere
		} `json:"aliases"`
	} `json:"registered_models"`
	Next string `json:"next_page_token"`
}

func openMLflow(name string, decode Decode) (Source, error) {
	var c mlflowConfig
	if err := decode(&c); err != nil {
		return nil, err
	}
	l, err := c.ledgerConfig.open(&c.webConfig, name, "mlflow", "MLflow")
	if err != nil {
		return nil, err
	}
	var seen watch
	l.list = func(ctx context.Context, since time.Time) ([]health.Change, error) {
		is, err := l.aliases(ctx, c.Aliases)
		if err != nil {
			return seen.kept, err
		}
		seen.moved(time.Now(), is, func(key, from, to string, at time.Time, uncertain time.Duration) {
			model := key[:strings.LastIndexByte(key, '@')]
			text := fmt.Sprintf("%s now points to version %s", key, to)
			if to == "" {
				text = key + " was removed"
			}
			seen.keep(health.Change{
				ID: fmt.Sprintf("%s/%s/%s/%d", l.name, key, to, at.Unix()), At: at, Uncertain: uncertain,
				Kind: "model", Service: l.service(model), From: from, To: to, Text: text,
			}, since)
		})
		return seen.kept, nil
	}
	return l, nil
}

// aliases are all that are wanted, by "model@alias", and the version of each.
func (l *ledger) aliases(ctx context.Context, wanted []string) (map[string]string, error) {
	is := map[string]string{}
	query := url.Values{"max_results": {strconv.Itoa(perPage)}}
	for range maxPages {
		var page mlflowModels
		if err := l.get(ctx, "api/2.0/mlflow/registered-models/search", query, &page); err != nil {
			return nil, err
		}
		for _, m := range page.Models {
			for _, a := range m.Aliases {
				if (len(wanted) == 0 || slices.Contains(wanted, a.Alias)) && len(is) < maxWatched {
					is[m.Name+"@"+a.Alias] = version(a.Version)
				}
			}
		}
		if page.Next == "" {
			break
		}
		query.Set("page_token", page.Next)
	}
	return is, nil
}

// version is a text, or a number as text.
func version(v any) string {
	if n, ok := v.(float64); ok {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	text, _ := v.(string)
	return text
}
