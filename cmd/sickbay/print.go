package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"sickbay/health"
)

// clean masks what nobody may see, and makes outside text harmless line by line. The
// rules of the config are there as soon as it was read.
func (a *app) clean(s string) string {
	lines := strings.Split(a.redact.Redact(s), "\n")
	for i, l := range lines {
		lines[i] = health.Clean(l)
	}
	return strings.Join(lines, "\n")
}

// document prints a value for scripts, which people look at in terminals: what nobody
// may see is masked, and what a terminal could act on is written as \u009b, which is
// the same text to whoever reads JSON.
func (a *app) document(v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return exit{exitFailed, err}
	}
	if _, err := a.out.Write(append(plainJSON(data, a.redact.Remembering().Redact), '\n')); err != nil {
		return exit{exitFailed, err}
	}
	return nil
}

// plainJSON passes every text in a JSON document through a function, and writes it so
// that a terminal only prints it.
func plainJSON(data []byte, masked func(string) string) []byte {
	out := make([]byte, 0, len(data)+len(data)/8)
	for {
		begin := bytes.IndexByte(data, '"')
		if begin < 0 {
			return append(out, data...)
		}
		end := begin + 1
		for data[end] != '"' { // a document that was just made has an end
			if data[end] == '\\' {
				end++
			}
			end++
		}
		literal := data[begin : end+1]
		out = append(out, data[:begin]...)
		var text string
		if json.Unmarshal(literal, &text) == nil {
			if m := masked(text); m != text {
				literal, _ = json.Marshal(m)
			}
		}
		out = appendPlain(out, literal)
		data = data[end+1:]
	}
}

// appendPlain appends a JSON text, with what health.Clean would replace as an escape.
func appendPlain(out, literal []byte) []byte {
	for i := 0; i < len(literal); {
		r, n := utf8.DecodeRune(literal[i:])
		switch {
		case r < 0x7f || health.Clean(string(r)) == string(r):
			out = append(out, literal[i:i+n]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		i += n
	}
	return out
}

// A plainWriter prints JSON that is written to it whole, unmasked: the lines of a
// journal carry hashes of what they say.
type plainWriter struct{ to io.Writer }

func (w plainWriter) Write(data []byte) (int, error) {
	_, err := w.to.Write(plainJSON(data, func(s string) string { return s }))
	return len(data), err
}
