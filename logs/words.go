package logs

import (
	"slices"
	"strings"

	"sickbay/health"
)

// A Lexicon keeps one copy of what comes again and again in logs: names of
// services, models, tenants, and whole sets of dimensions. Parsers that are used by
// the same goroutine may share one. It is bounded: a newcomer takes the place of
// who sat there, and nothing but memory depends on it.
type Lexicon struct {
	words [1 << 10]string
	sets  [1 << 12][]health.Field
}

// NewLexicon makes an empty one.
func NewLexicon() *Lexicon { return new(Lexicon) }

// mix spreads the bits of a hash over all of it.
func mix(h uint64) uint64 { return (h ^ h>>32) * 0x9e3779b97f4a7c15 }

// eight reads eight bytes; s has that many.
func eight(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// place says where a short text belongs, by its length and both of its ends.
func place(s string) uint64 {
	h := uint64(len(s))
	if n := len(s); n >= 8 {
		return mix(mix(h^eight(s)) ^ eight(s[n-8:]))
	}
	for i := range len(s) {
		h = h<<8 | uint64(s[i])
	}
	return mix(h)
}

// word is s, or the copy of it that is kept. A long text is not kept.
func (l *Lexicon) word(s string) string {
	if s == "" || len(s) > maxDim {
		return s
	}
	seat := &l.words[place(s)%uint64(len(l.words))]
	if *seat != s {
		*seat = strings.Clone(s)
	}
	return *seat
}

// set is a copy of the dimensions that is shared by all records that have the
// same ones, so it must not be changed. Nil if there are none.
func (l *Lexicon) set(dims []health.Field) []health.Field {
	if len(dims) == 0 {
		return nil
	}
	h := uint64(len(dims))
	for _, d := range dims {
		h = mix(h ^ place(d.Value))
	}
	seat := &l.sets[h%uint64(len(l.sets))]
	if !slices.Equal(*seat, dims) {
		*seat = slices.Clone(dims)
	}
	return *seat
}
