package sources

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"sickbay/health"
	"sickbay/logs"
)

// A podFollower knows the containers that are followed.
type podFollower struct {
	*kubernetes
	in   *inflow
	wait sync.WaitGroup

	mu    sync.Mutex
	known map[string]*podLog // by namespace/pod/container
	said  string
}

// A podLog is the log of one container, through its restarts. last is only touched by
// the goroutine that follows.
type podLog struct {
	pod, namespace, container string
	service, build            string
	restarts                  int
	following                 bool
	gone                      int // lists in which it was not there
	last                      string
	same                      int // lines with that very time
}

// list looks for pods until ctx ends.
func (f *podFollower) list(ctx context.Context) {
	for {
		pods, err := f.pods(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			f.in.push(page{err: err})
		} else {
			f.say(f.found(ctx, pods))
		}
		if sleep(ctx, jittered(f.every)) != nil {
			return
		}
	}
}

// say passes on a note when it is another.
func (f *podFollower) say(note string) {
	if note != f.said {
		f.said = note
		f.in.push(page{stream: "note " + note})
	}
}

// found follows containers that are not followed yet, or not any more.
func (f *podFollower) found(ctx context.Context, pods []pod) (note string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	over, waiting := 0, 0
	there := map[string]bool{}
	for _, p := range pods {
		for _, c := range p.Status.Containers {
			if f.container != "" && c.Name != f.container {
				continue
			}
			key := p.Metadata.Namespace + "/" + p.Metadata.Name + "/" + c.Name
			there[key] = true
			l := f.known[key]
			switch {
			case l == nil && len(f.known) >= maxFollows:
				over++
				continue
			case l == nil:
				l = &podLog{pod: p.Metadata.Name, namespace: p.Metadata.Namespace, container: c.Name, service: serviceOf(p), build: tagOf(c.Image), restarts: c.RestartCount}
				f.known[key] = l
			case l.following:
				continue
			}
			if c.State.Waiting != nil && c.RestartCount == l.restarts {
				waiting++
				continue
			}
			previous := c.RestartCount > l.restarts && l.last != ""
			l.restarts, l.following, l.build = c.RestartCount, true, tagOf(c.Image)
			f.wait.Go(func() { f.follow(ctx, key, l, previous) })
		}
	}
	for key, l := range f.known {
		if l.gone++; there[key] {
			l.gone = 0
		} else if l.gone > 3 && !l.following {
			delete(f.known, key)
		}
	}
	switch {
	case len(pods) == 0:
		return "no pod matches " + cmp.Or(f.selector, "this namespace")
	case over > 0:
		return fmt.Sprintf("%d containers more than the %d that are followed", over, maxFollows)
	case waiting > 0:
		return fmt.Sprintf("%d containers are waiting to start", waiting)
	}
	return ""
}

var podHash = regexp.MustCompile(`(-[a-f0-9]{6,10})?-[a-z0-9]{5}$|-[0-9]+$`)

// serviceOf is what a pod is part of.
func serviceOf(p pod) string {
	l := p.Metadata.Labels
	return cmp.Or(l["app.kubernetes.io/name"], l["app"], l["k8s-app"], podHash.ReplaceAllString(p.Metadata.Name, ""))
}

// tagOf is the version in the name of an image.
func tagOf(image string) string {
	if at := strings.IndexByte(image, '@'); at >= 0 {
		image = image[:at]
	}
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		return image[i+1:]
	}
	return ""
}

// follow reads one container until its log ends: it was restarted, or is gone, or
// the connection broke. The next list of pods tells.
func (f *podFollower) follow(ctx context.Context, key string, l *podLog, previous bool) {
	if previous { // what it wrote at last, before it was started again
		_ = f.read(ctx, key, l, false) // it may not be there any more
	}
	err := f.read(ctx, key, l, true)
	if err != nil && ctx.Err() == nil {
		f.in.push(page{err: fmt.Errorf("%s: %s: %w", f.name, key, err)})
	}
	f.mu.Lock()
	l.following = false
	f.mu.Unlock()
}

// read asks for what a container wrote since the last line, and for what it writes.
func (f *podFollower) read(ctx context.Context, key string, l *podLog, following bool) error {
	since := time.Now().Add(-f.history).UTC().Format(time.RFC3339)
	if l.last != "" {
		since = l.last
	}
	q := url.Values{"container": {l.container}, "timestamps": {"true"}, "sinceTime": {since}, "follow": {fmt.Sprint(following)}, "previous": {fmt.Sprint(!following)}}
	u := f.base.JoinPath("/api/v1/namespaces", l.namespace, "pods", l.pod, "log")
	u.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	resp, err := f.stream.Do(req)
	if err != nil {
		return fmt.Errorf("cannot be reached: %w", bareURL(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, maxHead))
		return fmt.Errorf("%s (%s)", strings.ToLower(resp.Status), inWords(text))
	}
	err = pump(resp.Body, key, &unseen{f.in, l, l.last, l.same})
	if ctx.Err() != nil || errors.Is(err, io.ErrUnexpectedEOF) { // the connection ended, as they do
		return nil
	}
	return err
}

// bareURL is an error without the address, which may be long and says nothing new.
func bareURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// unseen passes on the lines that were not read before the connection broke: times
// are asked for by the second.
type unseen struct {
	in   *inflow
	log  *podLog
	last string // that was read before
	skip int    // lines of that very time
}

func (u *unseen) push(p page) {
	var kept strings.Builder
	kept.Grow(len(p.lines))
	for lines := p.lines; lines != ""; {
		end := strings.IndexByte(lines, '\n') + 1
		line := lines[:end]
		lines = lines[end:]
		stamp, _, _ := strings.Cut(line, " ")
		switch at, before := stampKey(stamp), stampKey(u.last); {
		case u.last != "" && at < before:
			continue
		case u.last != "" && at == before && u.skip > 0:
			u.skip--
			continue
		}
		if stamp == u.log.last {
			u.log.same++
		} else {
			u.log.last, u.log.same = strings.Clone(stamp), 1
		}
		kept.WriteString(line)
	}
	if p.lines = kept.String(); p.lines != "" {
		u.in.push(p)
	}
}

// stampKey makes times of the API comparable as text: fractions are as long as need be.
func stampKey(s string) string {
	head, ok := strings.CutSuffix(s, "Z")
	if !ok || len(head) < 19 {
		return s
	}
	return head[:19] + "." + (strings.TrimPrefix(head[19:], ".") + "000000000")[:9]
}

// dress adds what is known of a pod to what a line says itself.
func (f *podFollower) dress(stream string, q *health.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.known[stream]
	if l == nil {
		return
	}
	if q.Lineage.Build == "" {
		q.Lineage.Build = l.build
	}
	if f.namespace == "" && len(q.Dims) < 32 {
		q.Dims = append(slices.Clip(q.Dims), health.Field{Name: "namespace", Value: l.namespace})
	}
	logs.Dress(q, l.service, "")
}
