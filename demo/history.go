package demo

import "time"

// An ordinary is a deployment that does no harm. The timeline of a real system
// is full of them, some close to the incident.
type ordinary struct {
	ago time.Duration // before the start
	deployment
}

var ordinaries = []ordinary{
	{5*time.Hour + 38*time.Minute, deployment{"code-assist", "deploy", "4.8.0", "release 4.8.0: streaming diffs"}},
	{5*time.Hour + 4*time.Minute, deployment{"churn-model", "data", "d-1122", "nightly feature set"}},
	{4*time.Hour + 21*time.Minute, deployment{"product-search", "index", "p-119", "catalogue of the morning"}},
	{3*time.Hour + 47*time.Minute, deployment{"travel-agent", "prompt", "v19", "prefers direct trains"}},
	{3*time.Hour + 9*time.Minute, deployment{"legal-search", "deploy", "1.18.4", "release 1.18.4: dependency updates"}},
	{2*time.Hour + 26*time.Minute, deployment{"demand-forecast", "model", "m42", "weekly retraining"}},
	{1*time.Hour + 52*time.Minute, deployment{"summarizer", "prompt", "v11", "headings in sentence case"}},
	{1*time.Hour + 11*time.Minute, deployment{"docs-answers", "prompt", "v24", "links to sections, not pages"}},
	{49 * time.Minute, deployment{"ad-ranking", "model", "r209", "hourly retraining"}},
	{33 * time.Minute, deployment{"code-assist", "config", "r212", "flag stream_chunk_ms 40 -> 60"}},
	{21 * time.Minute, deployment{"translator", "deploy", "2.1.1", "release 2.1.1: log levels"}},
	{15 * time.Minute, deployment{"vector-db", "config", "ef-128", "hnsw ef 96 -> 128"}},
	{5 * time.Minute, deployment{"summarizer", "config", "r89", "request timeout 60 s -> 45 s"}},
}
