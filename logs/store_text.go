package logs

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strings"
)

// A writer puts values one after the other.
type writer struct{ buf []byte }

func (w *writer) number(n uint64) { w.buf = binary.AppendUvarint(w.buf, n) }
func (w *writer) string(s string) { w.number(uint64(len(s))); w.buf = append(w.buf, s...) }

// trace writes the id of a trace: half as long if it is hexadecimal, as nearly all are.
func (w *writer) trace(s string) {
	n := len(w.buf)
	w.number(uint64(len(s)/2)<<1 | 1)
	var ok error
	if w.buf, ok = hex.AppendDecode(w.buf, []byte(s)); ok == nil && s == strings.ToLower(s) {
		return
	}
	w.buf = w.buf[:n]
	w.number(uint64(len(s)) << 1)
	w.buf = append(w.buf, s...)
}

// float writes a number of which has said that it is there. Most have few digits: they
// are written as a whole number of what digits says, anything else bit by bit.
func (w *writer) float(f *float64) {
	if f == nil {
		return
	}
	for i, d := range digits {
		if n := math.Floor(*f*d + .5); n >= 0 && n < 1<<48 && n/d == *f && !(n == 0 && math.Signbit(*f)) {
			w.number(uint64(n)<<2 | uint64(i))
			return
		}
	}
	w.number(bitByBit)
	w.buf = binary.LittleEndian.AppendUint64(w.buf, math.Float64bits(*f))
}

// How a number was written: the last two bits of its first value.
var digits = [...]float64{1, 1e3, 1e6}

const bitByBit = 3

// A cursor reads what a writer wrote.
type cursor struct{ rest string }

func (c *cursor) number() uint64 {
	var n uint64
	for i := 0; ; i++ {
		b := c.rest[i]
		n |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			c.rest = c.rest[i+1:]
			return n
		}
	}
}

func (c *cursor) string() string {
	n := c.number()
	s := c.rest[:n]
	c.rest = c.rest[n:]
	return s
}

func (c *cursor) skipTrace() {
	n := c.number() >> 1
	c.rest = c.rest[n:]
}

// float reads a number if it is there. They are made by the hundred.
func (c *cursor) float(there bool, free *[]float64) *float64 {
	if !there {
		return nil
	}
	if len(*free) == 0 {
		*free = make([]float64, 128)
	}
	f := &(*free)[0]
	*free = (*free)[1:]
	if n := c.number(); n&3 != bitByBit {
		*f = float64(n>>2) / digits[n&3]
		return f
	}
	*f = math.Float64frombits(binary.LittleEndian.Uint64([]byte(c.rest[:8])))
	c.rest = c.rest[8:]
	return f
}
