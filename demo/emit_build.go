package demo

import "time"

// buildInfo says which versions a replica runs. Replicas are switched one after
// the other.
type buildInfo struct {
	r    *recorder
	s    *service
	l    labels
	wait time.Duration // after a deployment, until this replica follows
	runs labels
	s1   ref
}

// versionLabels are the labels of ai_build_info by kind of slot.
var versionLabels = map[string]string{
	"deploy": "version", "model": "model_version", "prompt": "prompt_version", "index": "index_version",
	"data": "data_version", "config": "config_version",
}

func newBuildInfo(r *recorder, s *service, pod string) part {
	r.to.SetMeta("ai_build_info", "gauge", "Versions a replica runs.", "")
	b := &buildInfo{r: r, s: s, l: tags(s, pod, "app")}
	for i, p := range s.pods {
		if p == pod {
			b.wait = time.Duration(i) * 8 * time.Second
		}
	}
	return b
}

func (b *buildInfo) tick(m *moment) {
	now := make(labels, len(b.s.slots))
	same := b.runs != nil
	for _, p := range b.s.slots {
		if label := versionLabels[p.kind]; label != "" { // what is not part of a build is not on its label
			v := p.versionAt(m.t.Add(-b.wait))
			now[label] = v
			same = same && b.runs[label] == v
		}
	}
	if !same {
		b.follow(now)
	}
	b.r.put(b.s1, 1)
}

// follow ends the series of the versions before and starts another.
func (b *buildInfo) follow(now labels) {
	if b.runs != nil {
		if err := b.r.to.Stale(b.s1, b.r.t); err != nil && b.r.err == nil {
			b.r.err = err
		}
	}
	l := b.l.with()
	for k, v := range now {
		l[k] = v
	}
	b.runs, b.s1 = now, b.r.series("ai_build_info", l)
}
