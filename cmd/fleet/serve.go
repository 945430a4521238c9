package main

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A target is what a Prometheus scrapes.
type target struct {
	mu   sync.Mutex // a page is written for one at a time
	page *page
	now  func() time.Time

	plain, packed bytes.Buffer
}

// ServeHTTP answers /metrics, packed if the client reads gzip.
func (t *target) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/metrics" {
		http.Error(w, "a fleet of simulated AI services: /metrics", http.StatusNotFound)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.plain.Reset()
	if err := t.page.write(&t.plain, t.now()); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	body := &t.plain
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		body = t.pack()
	}
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	_, _ = body.WriteTo(w) // whoever went away does not need the rest
}

// pack compresses the page fast rather than well: it goes to the same machine.
func (t *target) pack() *bytes.Buffer {
	t.packed.Reset()
	z, _ := gzip.NewWriterLevel(&t.packed, gzip.BestSpeed) // the level exists
	_, _ = t.plain.WriteTo(z)                              // a buffer takes everything
	_ = z.Close()
	return &t.packed
}
