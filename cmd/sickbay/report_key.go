package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sickbay/engine"
	"sickbay/health"
)

// A scribe is a viewer that can also write down what it sees.
type scribe struct {
	*engine.Viewer
	folder string
	redact health.Redactor
}

// Submit writes a report itself and hands everything else on.
func (s scribe) Submit(o health.Order) (string, error) {
	if o.Do != health.DoReport {
		return s.Viewer.Submit(o)
	}
	return writeReport(s.folder, s.Snapshot(), o.Plan.Service, s.redact)
}

// writeReport writes a snapshot as Markdown and as HTML, for its owner's eyes only,
// and returns the path of the first. What was written before stays.
func writeReport(folder string, s *health.Snapshot, service string, redact health.Redactor) (string, error) {
	entries := slices.Clone(s.Journal)
	slices.SortStableFunc(entries, func(a, b health.Entry) int { return a.Seq - b.Seq })
	r := handOver(s, entries, time.Time{}, service, redact)
	var md, html bytes.Buffer
	if err := r.markdown(&md); err != nil {
		return "", err
	}
	if err := r.html(&html); err != nil {
		return "", err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("the report has no place: %w", err)
	}
	path := filepath.Join(folder, "report-"+time.Now().UTC().Format("20060102-150405.000")+".md")
	for name, text := range map[string][]byte{path: md.Bytes(), strings.TrimSuffix(path, ".md") + ".html": html.Bytes()} {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return "", fmt.Errorf("the report was not written: %w", err)
		}
		_, err = f.Write(text)
		if closed := f.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return "", fmt.Errorf("the report was not written whole: %w", err)
		}
	}
	return path, nil
}
