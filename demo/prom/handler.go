package prom

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// Version is what /api/v1/status/buildinfo says: the engine's version, and
// that this is not the server one may think it is.
const Version = "3.16.0-sickbay-demo"

// lookback is how long a sample stays the current one, as in Prometheus.
const lookback = 5 * time.Minute

// Server is the HTTP side of a Prometheus, over a Store. It answers 503 until
// SetReady(true), like a Prometheus that still reads its log.
type Server struct {
	store  *Store
	rules  *Rules
	engine *promql.Engine
	parser parser.Parser
	now    func() time.Time
	ready  atomic.Bool
	mux    *http.ServeMux
}

// NewServer makes the server; rules may be nil, now may be nil for time.Now.
func NewServer(store *Store, rules *Rules, now func() time.Time) *Server {
	if now == nil {
		now = time.Now
	}
	if rules == nil {
		rules = &Rules{}
	}
	s := &Server{store: store, rules: rules, engine: newEngine(), parser: parser.NewParser(parser.Options{}), now: now}
	s.mux = s.routes()
	return s
}

// newEngine makes the engine with the settings of a Prometheus server.
func newEngine() *promql.Engine {
	return promql.NewEngine(promql.EngineOpts{
		MaxSamples:           50_000_000,
		Timeout:              2 * time.Minute,
		LookbackDelta:        lookback,
		EnableAtModifier:     true,
		EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 {
			return time.Minute.Milliseconds() // the default evaluation interval
		},
	})
}

// SetReady opens or closes the API; /-/healthy answers in any case.
func (s *Server) SetReady(ready bool) { s.ready.Store(ready) }

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	get := func(path string, h http.HandlerFunc) { mux.HandleFunc("GET "+path, s.whenReady(h)) }
	post := func(path string, h http.HandlerFunc) { mux.HandleFunc("POST "+path, s.whenReady(h)) }
	for path, f := range map[string]func(*http.Request) (answer, error){
		"/api/v1/query":       s.query,
		"/api/v1/query_range": s.queryRange,
		"/api/v1/series":      s.series,
		"/api/v1/labels":      s.labelNames,
	} {
		get(path, endpoint(f))
		post(path, endpoint(f))
	}
	for path, f := range map[string]func(*http.Request) (answer, error){
		"/api/v1/label/{name}/values": s.labelValues,
		"/api/v1/metadata":            s.metadata,
		"/api/v1/rules":               s.listRules,
		"/api/v1/alerts":              s.listAlerts,
		"/api/v1/status/buildinfo":    buildInfo,
	} {
		get(path, endpoint(f))
	}
	get("/metrics", s.metrics)
	get("/-/ready", say("Prometheus Server is Ready.\n"))
	mux.HandleFunc("GET /-/healthy", say("Prometheus Server is Healthy.\n"))
	return mux
}

func (s *Server) whenReady(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.ready.Load() {
			h(w, r)
			return
		}
		w.Header().Set("X-Prometheus-Stopping", "false")
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, "Service Unavailable")
	}
}

func say(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
}

// metrics shows the newest values: a page to look at, or to be scraped by a
// Prometheus that the demo is to be seen through.
func (s *Server) metrics(w http.ResponseWriter, _ *http.Request) {
	var page bytes.Buffer // so that a slow reader holds no values back
	if t, ok := s.store.Newest(); ok {
		if err := s.store.Expose(&page, t); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	page.WriteTo(w)
}

func (s *Server) query(r *http.Request) (answer, error) {
	limit, err := parseLimit(r)
	if err != nil {
		return answer{}, err
	}
	at, err := timeOr(r, "time", s.now())
	if err != nil {
		return answer{}, err
	}
	return s.run(r, limit, func(ctx context.Context, o promql.QueryOpts, text string) (promql.Query, error) {
		return s.engine.NewInstantQuery(ctx, s.store, o, text, at)
	})
}

func (s *Server) queryRange(r *http.Request) (answer, error) {
	limit, err := parseLimit(r)
	if err != nil {
		return answer{}, err
	}
	g, err := parseGrid(r)
	if err != nil {
		return answer{}, err
	}
	return s.run(r, limit, func(ctx context.Context, o promql.QueryOpts, text string) (promql.Query, error) {
		return s.engine.NewRangeQuery(ctx, s.store, o, text, g.start, g.end, g.step)
	})
}

// run makes the query, gives it the time the request allows, and writes down
// what it found before the engine takes its memory back.
func (s *Server) run(r *http.Request, limit int, prepare func(context.Context, promql.QueryOpts, string) (promql.Query, error)) (answer, error) {
	ctx := r.Context()
	timeout, err := parseTimeout(r)
	if err != nil {
		return answer{}, err
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	opts, err := queryOpts(r)
	if err != nil {
		return answer{}, err
	}
	text := r.FormValue("query")
	q, err := prepare(ctx, opts, text)
	if err != nil {
		return answer{}, invalid("query", err)
	}
	defer q.Close()
	result := q.Exec(ctx)
	if result.Err != nil {
		return answer{}, result.Err
	}
	a := answer{notes: result.Warnings, query: text}
	value, cut := truncate(result.Value, limit)
	if cut {
		a.notes.Add(errTruncated)
	}
	a.data = appendResult(nil, value)
	return a, nil
}

func queryOpts(r *http.Request) (promql.QueryOpts, error) {
	var delta time.Duration
	if s := r.FormValue("lookback_delta"); s != "" {
		var err error
		if delta, err = parseDuration(s); err != nil {
			return nil, badData(fmt.Errorf("error parsing lookback delta duration: %w", err))
		}
	}
	return promql.NewPrometheusQueryOpts(false, delta, nil), nil
}

var errTruncated = errors.New("results truncated due to limit")

// truncate keeps the first series of a result; 0 keeps all.
func truncate(v parser.Value, limit int) (parser.Value, bool) {
	switch v := v.(type) {
	case promql.Matrix:
		if limit > 0 && len(v) > limit {
			return v[:limit], true
		}
	case promql.Vector:
		if limit > 0 && len(v) > limit {
			return v[:limit], true
		}
	}
	return v, false
}

func buildInfo(*http.Request) (answer, error) {
	return marshal(map[string]string{
		"version": Version, "revision": "", "branch": "", "buildUser": "", "buildDate": "",
		"goVersion": runtime.Version(),
	})
}
