package health

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// A LinkTemplate makes addresses in the UI of another system:
// "https://jaeger.example.com/trace/{trace_id}". The zero value makes none.
type LinkTemplate struct {
	text string
}

// linkNames are what a template may have in braces.
var linkNames = []string{"trace_id", "request_id", "service", "from_ms", "to_ms"}

// NewLinkTemplate checks a template; an empty one is good. What is filled in comes
// from outside, so it may stand behind the host only: a link never leads to a place
// the config does not name.
func NewLinkTemplate(text string) (LinkTemplate, error) {
	if text == "" {
		return LinkTemplate{}, nil
	}
	bare := text
	for _, n := range linkNames {
		bare = strings.ReplaceAll(bare, "{"+n+"}", "")
	}
	u, err := url.Parse(bare)
	switch {
	case Clean(text) != text || strings.ContainsAny(text, " \"<>\\^`|"):
		return LinkTemplate{}, errors.New("has characters that do not belong in an address")
	case strings.ContainsAny(bare, "{}"):
		return LinkTemplate{}, fmt.Errorf("has a brace that is none of {%s}", strings.Join(linkNames, "}, {"))
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return LinkTemplate{}, errors.New("is not an http or https address")
	case u.User != nil:
		return LinkTemplate{}, errors.New("credentials do not belong in it")
	}
	if _, rest, _ := strings.Cut(text, "://"); strings.Contains(rest[:strings.IndexAny(rest+"/", "/?#")], "{") {
		return LinkTemplate{}, errors.New("the host must not be filled in")
	}
	return LinkTemplate{text}, nil
}

// Fill puts values in for the names in braces. There is no link ("") when a value
// it needs is not known, or would lead elsewhere.
func (t LinkTemplate) Fill(values map[string]string) string {
	link := t.text
	for _, n := range linkNames {
		if !strings.Contains(link, "{"+n+"}") {
			continue
		}
		v := values[n]
		if v == "" || len(v) > 512 || strings.Trim(v, ".") == "" { // "." and ".." are paths, however they are written
			return ""
		}
		link = strings.ReplaceAll(link, "{"+n+"}", escaped(v))
	}
	return link
}

// escaped leaves what means the same everywhere in an address and writes every
// other byte as %XX.
func escaped(v string) string {
	var b strings.Builder
	for i := range len(v) {
		c := v[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || slices.Contains([]byte("-_.~"), c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
