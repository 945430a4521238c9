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
	folder  string
	journal func() ([]health.Entry, error) // all of it: a snapshot has the newest lines only
	redact  health.Redactor
}

// Submit writes a report itself and hands everything else on.
func (s scribe) Submit(o health.Order) (string, error) {
	if o.Do != health.DoReport {
		return s.Viewer.Submit(o)
	}
	return writeReport(s.folder, s.report(s.Snapshot(), o.Plan.Service))
}

// report is of a snapshot and the whole journal. Where that cannot be read the lines
// of the snapshot are better than no report, and what is missing is an open question.
func (s scribe) report(snap *health.Snapshot, service string) *report {
	entries, err := s.journal()
	if err != nil {
		entries = slices.Clone(snap.Journal)
		slices.SortStableFunc(entries, func(a, b health.Entry) int { return a.Seq - b.Seq })
	}
	r := handOver(snap, entries, time.Time{}, service, s.redact)
	if err != nil {
		r.Open = append(r.Open, reporter{redact: s.redact}.text(fmt.Sprintf("What else was done? The journal could not be read: %v", err)))
	}
	return r
}

// writeReport writes a report as Markdown and as HTML, for its owner's eyes only, and
// returns the path of the first. What was written before stays.
func writeReport(folder string, r *report) (string, error) {
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
