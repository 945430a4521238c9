package prom

import "github.com/prometheus/prometheus/tsdb/chunkenc"

// unixMs is a time in Unix milliseconds. It has a name because vet takes any
// method Seek(int64) for a broken io.Seeker.
type unixMs = int64

// iterator walks the chunks of a view, then its tail, clipped to [mint, maxt].
// The engine hands a used one back for the next series, so it keeps its chunk
// and the chunk's own iterator.
type iterator struct {
	// The iterator of the open chunk. Embedded for the histogram methods, which
	// are never called as long as Next and Seek say ValFloat.
	chunkenc.Iterator
	xor  chunkenc.XORChunk
	open bool  // the embedded iterator has samples left to give
	end  int64 // time of the last sample in the open chunk

	chunks     []chunk // still to be opened
	tail       []sample
	mint, maxt int64

	now sample
	has chunkenc.ValueType // ValFloat once now is set
	err error
}

func (it *iterator) reset(w windowed) {
	it.open, it.has, it.err = false, chunkenc.ValNone, nil
	it.chunks, it.tail, it.mint, it.maxt = w.chunks, w.tail, w.mint, w.maxt
}

func (it *iterator) At() (int64, float64) { return it.now.t, it.now.v }
func (it *iterator) AtT() int64           { return it.now.t }
func (it *iterator) AtST() int64          { return 0 }
func (it *iterator) Err() error           { return it.err }

func (it *iterator) Next() chunkenc.ValueType {
	for it.step() {
		if it.now.t > it.maxt {
			break
		}
		if it.now.t >= it.mint {
			it.has = chunkenc.ValFloat
			return it.has
		}
	}
	it.open, it.chunks, it.tail, it.has = false, nil, nil, chunkenc.ValNone
	return it.has
}

// Seek moves to the first sample at or after t; it stays where it is when it
// is there already. Chunks that end before t are not decoded.
func (it *iterator) Seek(t unixMs) chunkenc.ValueType {
	if it.has == chunkenc.ValFloat && it.now.t >= t {
		return it.has
	}
	if it.open && it.end < t {
		it.open = false
	}
	if !it.open {
		it.chunks = it.chunks[firstChunk(it.chunks, t):]
		if len(it.chunks) == 0 {
			it.tail = it.tail[firstSample(it.tail, t):]
		}
	}
	for it.Next() == chunkenc.ValFloat {
		if it.now.t >= t {
			return it.has
		}
	}
	return chunkenc.ValNone
}

// step takes the next sample, wherever it is; false at the end.
func (it *iterator) step() bool {
	for {
		switch {
		case it.open:
			if it.Iterator.Next() == chunkenc.ValFloat {
				it.now.t, it.now.v = it.Iterator.At()
				return true
			}
			it.open = false
			if it.err = it.Iterator.Err(); it.err != nil {
				return false
			}
		case len(it.chunks) > 0:
			it.xor.Reset(it.chunks[0].data)
			it.Iterator = it.xor.Iterator(it.Iterator)
			it.open, it.end = true, it.chunks[0].maxt
			it.chunks = it.chunks[1:]
		case len(it.tail) > 0:
			it.now, it.tail = it.tail[0], it.tail[1:]
			return true
		default:
			return false
		}
	}
}
