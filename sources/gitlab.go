package sources

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "gitlab",
		Doc:  "Changes from GitLab: the deployments of a project that succeeded, with the one before each.",
		Example: `kind = "gitlab"
name = "gitlab"
url = "https://gitlab.example.com"
project = "group/support-chat"    # or its number
environment = "production"        # empty: all of them
service = "support-chat"          # empty: called like the project
every = "1m"                      # between two looks
` + webExample,
		Open: openGitLab,
	})
}

type gitlabConfig struct {
	webConfig
	Every       time.Duration `toml:"every"`
	Project     string        `toml:"project"`
	Environment string        `toml:"environment"`
	Service     string        `toml:"service"`
}

// gitlabDeployment is what is used of GET /api/v4/projects/:id/deployments
// (doc/api/deployments.md of GitLab 17.8).
type gitlabDeployment struct {
	ID          int64     `json:"id"`
	Ref         string    `json:"ref"`
	SHA         string    `json:"sha"`
	Created     time.Time `json:"created_at"`
	Updated     time.Time `json:"updated_at"`
	Environment struct {
		Name string `json:"name"`
	} `json:"environment"`
	User struct {
		Username string `json:"username"`
	} `json:"user"`
	Job struct { // null of one that was made by the API
		Created  time.Time `json:"created_at"`
		Started  time.Time `json:"started_at"` // may be null
		Finished time.Time `json:"finished_at"`
		Commit   struct {
			Title string `json:"title"`
		} `json:"commit"`
		Pipeline struct {
			URL string `json:"web_url"`
		} `json:"pipeline"`
	} `json:"deployable"`
}

func openGitLab(name string, decode Decode) (Source, error) {
	c := gitlabConfig{Every: time.Minute}
	if err := decode(&c); err != nil {
		return nil, err
	}
	if _, err := strconv.Atoi(c.Project); err != nil && !repositoryName.MatchString(c.Project) {
		if c.Project == "" {
			return nil, errors.New(`project: is missing; say which: project = "group/name"`)
		}
		return nil, fmt.Errorf(`project: %q is neither "group/name" nor a number`, c.Project)
	}
	l, err := (&ledgerConfig{Every: c.Every}).open(&c.webConfig, name, "gitlab", "GitLab")
	if err != nil {
		return nil, err
	}
	l.moved = "if it was renamed, put its new name into project"
	l.list = func(ctx context.Context, since time.Time) ([]health.Change, error) {
		var got []gitlabDeployment
		query := url.Values{"status": {"success"}, "order_by": {"id"}, "sort": {"desc"}, "per_page": {strconv.Itoa(perPage)}}
		if c.Environment != "" {
			query.Set("environment", c.Environment)
		}
		if err := l.get(ctx, "api/v4/projects/"+url.PathEscape(c.Project)+"/deployments", query, &got); err != nil {
			return nil, err
		}
		var all []deployment
		for _, d := range got {
			all = append(all, d.plain())
		}
		return l.deployments(all, serviceOr(c.Service, c.Project), since), nil
	}
	return l, nil
}

// plain leaves out what a deployment made by hand does not have.
func (d gitlabDeployment) plain() deployment {
	out := deployment{
		id: d.ID, ref: d.Ref, sha: d.SHA, environment: d.Environment.Name, text: strings.TrimSpace(d.Job.Commit.Title), by: d.User.Username,
		url: d.Job.Pipeline.URL, started: d.Job.Started, finished: d.Job.Finished,
	}
	if out.started.IsZero() {
		out.started = d.Job.Created
	}
	if out.finished.IsZero() {
		out.started, out.finished = d.Created, d.Updated
	}
	return out
}
