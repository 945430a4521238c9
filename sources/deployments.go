package sources

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"sickbay/health"
)

// A deployment is one that succeeded, as GitHub and GitLab tell of it.
type deployment struct {
	id                int64
	ref, sha          string
	environment       string
	text, by, url     string
	started, finished time.Time
}

var versionTag = regexp.MustCompile(`^[A-Za-z-]*\d+(\.\d+)*([.+-][A-Za-z0-9.+-]*)?$`)

// version is the tag that was deployed, or else the commit.
func (d deployment) version() string {
	if d.ref != d.sha && versionTag.MatchString(d.ref) {
		return d.ref
	}
	return brief(d.sha)
}

// deployments are changes from one to the next in each environment. What is in
// force from when lies between their begin and their end.
func (l *ledger) deployments(all []deployment, service string, since time.Time) []health.Change {
	slices.SortFunc(all, func(a, b deployment) int { return cmp.Or(a.finished.Compare(b.finished), cmp.Compare(a.id, b.id)) })
	before := map[string]string{}
	var changes []health.Change
	for _, d := range all {
		to := d.version()
		from := before[d.environment]
		before[d.environment] = to
		if d.finished.Before(since) {
			continue
		}
		c := health.Change{
			ID: fmt.Sprintf("%s/%d", l.name, d.id), Kind: "deploy", Service: service, From: from, To: to,
			Text: strings.TrimSpace("deployed to " + d.environment + ": " + cmp.Or(d.text, d.ref)), URL: webLink(d.url),
		}
		if c.At, c.Uncertain = between(d.started, d.finished); d.by != "" {
			c.Text += ", by " + d.by
		}
		changes = append(changes, c)
	}
	return changes
}

// serviceOr is the service that was named, or the last part of a repository's name.
func serviceOr(service, repository string) string { return cmp.Or(service, path.Base(repository)) }

// webLink is an address that may be shown as a link, or nothing.
func webLink(address string) string {
	if strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://") {
		return address
	}
	return ""
}
