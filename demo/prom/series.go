package prom

import (
	"slices"
	"sort"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// samplesPerChunk is what Prometheus itself puts into a chunk.
const samplesPerChunk = 120

type sample struct {
	t int64 // Unix ms
	v float64
}

// chunk is a full XOR chunk; its bytes never change.
type chunk struct {
	mint, maxt int64 // of its first and last sample
	data       []byte
}

// memSeries is one series: full chunks, then the newest samples as they came.
// Whoever holds the store's lock may copy the slice headers and read what they
// show without the lock afterwards: an append only writes behind them, and a
// full tail is left behind, never written again.
type memSeries struct {
	labels labels.Labels
	chunks []chunk
	tail   []sample
	lastT  int64 // of the last sample ever; math.MinInt64 before the first
	lastV  float64
}

func (m *memSeries) append(t int64, v float64, p *packer) {
	if len(m.tail) == samplesPerChunk {
		m.chunks = append(m.chunks, p.pack(m.tail))
		m.tail = make([]sample, 0, samplesPerChunk)
	}
	m.tail = append(m.tail, sample{t, v})
	m.lastT, m.lastV = t, v
}

// packer turns samples into chunks, in one buffer used again and again.
type packer struct {
	x    chunkenc.XORChunk
	room []byte
}

// pack gives an XOR chunk whose bytes fit exactly.
func (p *packer) pack(samples []sample) chunk {
	p.x.Reset(append(p.room[:0], 0, 0)) // the header: no samples yet
	app, err := p.x.Appender()
	if err != nil {
		panic("prom: an empty chunk refused an appender: " + err.Error())
	}
	for _, s := range samples {
		app.Append(0, s.t, s.v)
	}
	p.room = p.x.Bytes()
	return chunk{
		mint: samples[0].t,
		maxt: samples[len(samples)-1].t,
		data: slices.Clone(p.room),
	}
}

// forget drops the chunks (and the tail) that end before oldest. What is left
// is copied, because a reader may still hold the old list.
func (m *memSeries) forget(oldest int64) {
	if n := firstChunk(m.chunks, oldest); n > 0 {
		m.chunks = slices.Clone(m.chunks[n:])
	}
	if m.lastT < oldest {
		m.tail = nil
	}
}

// view is what one query sees of a series.
type view struct {
	labels labels.Labels
	chunks []chunk // those that reach into the window
	tail   []sample
}

// within shows the part of the series in [mint, maxt], to the chunk; ok says
// whether there is any.
func (m *memSeries) within(mint, maxt int64) (v view, ok bool) {
	chunks := m.chunks[firstChunk(m.chunks, mint):]
	chunks = chunks[:sort.Search(len(chunks), func(i int) bool { return chunks[i].mint > maxt })]
	tail := m.tail[firstSample(m.tail, mint):]
	tail = tail[:sort.Search(len(tail), func(i int) bool { return tail[i].t > maxt })]
	return view{m.labels, chunks, tail}, len(chunks)+len(tail) > 0
}

// firstChunk is the index of the first chunk that ends at or after t.
func firstChunk(chunks []chunk, t int64) int {
	return sort.Search(len(chunks), func(i int) bool { return chunks[i].maxt >= t })
}

// firstSample is the index of the first sample at or after t.
func firstSample(samples []sample, t int64) int {
	return sort.Search(len(samples), func(i int) bool { return samples[i].t >= t })
}
