package rollback

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"sickbay/health"
)

// A Report is what Verify found.
type Report struct {
	Lines       int
	Torn        int       // lines torn by a power cut, found and named by the line after
	First, Last time.Time // of the lines
	Head        string    // hash of the newest line: keep it somewhere else as the next anchor
	Faults      []Fault   // in order; at most 100
}

// OK says that the chain is whole and the anchor, if one was given, is in it.
func (r Report) OK() bool { return len(r.Faults) == 0 }

// A Fault is one place where the journal is not what was written.
type Fault struct {
	Line   int // from 1; 0: the whole journal
	Offset int64
	Text   string
}

func (f Fault) String() string {
	if f.Line == 0 {
		return f.Text
	}
	return fmt.Sprintf("line %d (byte %d): %s", f.Line, f.Offset, f.Text)
}

// Verify reads a journal from its beginning and checks every line and the chain
// between them. anchor is a hash noted earlier, or empty: it shows a journal that
// was cut or written anew, which the chain alone cannot. The error is about
// reading; what is wrong with the journal is in the report.
func Verify(r io.Reader, anchor string) (Report, error) {
	v := verifier{anchor: strings.ToLower(strings.TrimSpace(anchor))}
	err := eachLine(r, v.line)
	if err != nil {
		return v.Report, err
	}
	if v.torn != nil {
		v.fault(*v.torn)
	}
	if v.anchor != "" && !v.anchored {
		v.fault(Fault{Text: "the anchor is not in the chain: the journal was cut or written anew"})
	}
	return v.Report, nil
}

// VerifyFile is Verify on a file, while nobody writes to it.
func VerifyFile(path, anchor string) (Report, error) {
	f, err := os.Open(path)
	if err != nil {
		return Report{}, fmt.Errorf("journal: %w", err)
	}
	defer f.Close()
	if err := flock(f, syscall.LOCK_SH); err != nil {
		return Report{}, fmt.Errorf("journal: %s: %w", path, err)
	}
	r, err := Verify(f, anchor)
	if err != nil {
		return r, fmt.Errorf("journal: %s: %w", path, err)
	}
	return r, nil
}

type verifier struct {
	Report
	anchor   string
	anchored bool
	torn     *Fault // a line that cannot be read and may turn out to be a torn one
	tornSize int
	tornSum  string
	prev     string
	seq      int
}

func (v *verifier) fault(f Fault) {
	if len(v.Faults) < 100 {
		v.Faults = append(v.Faults, f)
	}
}

// line is told every line, without its end; whole is false when it has none.
func (v *verifier) line(n int, offset int64, b []byte, whole bool) {
	l, err := parseLine(b)
	if err == nil && !whole {
		err = errors.New("it has no line end: it was cut while it was written")
	}
	if v.torn != nil {
		d := l.Data
		if err == nil && l.Ev == evTorn && d.Offset == v.torn.Offset && d.Bytes == v.tornSize && d.Sum == v.tornSum {
			v.Torn++
		} else {
			v.fault(*v.torn)
		}
		v.torn = nil
	}
	if err != nil {
		v.torn, v.tornSize, v.tornSum = &Fault{n, offset, err.Error()}, len(b), sumOf(b)
		return
	}
	switch {
	case v.Lines == 0 && (l.Seq != 1 || l.Prev != ""):
		v.fault(Fault{n, offset, fmt.Sprintf("the journal begins at entry %d: its beginning is missing", l.Seq)})
	case v.Lines > 0 && l.Prev != v.prev:
		v.fault(Fault{n, offset, "it does not follow the line before: lines are missing, added or moved"})
	case v.Lines > 0 && l.Seq != v.seq+1:
		v.fault(Fault{n, offset, fmt.Sprintf("entry %d follows entry %d", l.Seq, v.seq)})
	}
	if v.Lines == 0 {
		v.First = l.TS
	}
	v.Lines++
	v.Last, v.Head, v.prev, v.seq = l.TS, l.Hash, l.Hash, l.Seq
	v.anchored = v.anchored || l.Hash == v.anchor
}

// eachLine hands over every line of r without its end; whole is false when it
// has none. Of a line longer than maxLine only the beginning is handed over. b
// is used again for the next line.
func eachLine(r io.Reader, f func(n int, offset int64, b []byte, whole bool)) error {
	br := bufio.NewReaderSize(r, 32<<10)
	var line []byte
	var offset, size int64
	for n := 1; ; {
		piece, err := br.ReadSlice('\n')
		size += int64(len(piece))
		if len(line)+len(piece) <= maxLine {
			line = append(line, piece...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return err
		case size > 0:
			f(n, offset, bytes.TrimSuffix(line, []byte{'\n'}), err == nil)
		}
		if err != nil {
			return nil
		}
		n, offset, size, line = n+1, offset+size, 0, line[:0]
	}
}

// ReadEntries reads a journal, newest entry first. Lines that cannot be read are
// left out: Verify names them.
func ReadEntries(r io.Reader) ([]health.Entry, error) {
	lines, err := readLines(r)
	var out []health.Entry
	for _, l := range slices.Backward(lines) {
		out = append(out, l.entry())
	}
	return out, err
}

func readLines(r io.Reader) ([]Line, error) {
	var out []Line
	err := eachLine(r, func(_ int, _ int64, b []byte, _ bool) {
		if l, err := parseLine(b); err == nil {
			out = append(out, l)
		}
	})
	return out, err
}

// Export writes the journal r for people ("md") or for programs ("json": an
// array of the lines, each with its hash).
func Export(w io.Writer, r io.Reader, format string) error {
	lines, err := readLines(r)
	if err != nil {
		return err
	}
	switch format {
	case "json":
		return exportJSON(w, lines)
	case "md":
		return exportMarkdown(w, lines)
	}
	return fmt.Errorf("unknown format %q: md or json", format)
}

func exportJSON(w io.Writer, lines []Line) error {
	type hashed struct {
		Hash string `json:"hash"`
		Line
	}
	all := make([]hashed, 0, len(lines))
	for _, l := range lines {
		all = append(all, hashed{l.Hash, l})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(all)
}

// exportMarkdown writes one section per operation, in the order they began, and
// the notes behind them.
func exportMarkdown(w io.Writer, lines []Line) error {
	var b strings.Builder
	b.WriteString("# sickbay journal\n\n")
	if len(lines) == 0 {
		b.WriteString("No entries.\n")
	} else {
		first, last := lines[0], lines[len(lines)-1]
		fmt.Fprintf(&b, "%d entries, %s to %s, head `%s`\n", len(lines), stamp(first.TS), stamp(last.TS), last.Hash)
	}
	byOp, order := map[string][]Line{}, []string{}
	for _, l := range lines {
		if byOp[l.Op] == nil && l.Op != "" {
			order = append(order, l.Op)
		}
		byOp[l.Op] = append(byOp[l.Op], l)
	}
	for _, op := range order {
		markdownOp(&b, op, byOp[op])
	}
	if len(byOp[""]) > 0 {
		b.WriteString("\n## Notes\n\n")
		for _, l := range byOp[""] {
			markdownLine(&b, l)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func markdownOp(b *strings.Builder, op string, lines []Line) {
	if d := lines[0].Data; lines[0].Ev == string(health.OpPlanned) {
		fmt.Fprintf(b, "\n## %s %s → %s\n\noperation %s\n", escape(d.Target), escape(d.From), escape(d.To), escape(op))
	} else {
		fmt.Fprintf(b, "\n## operation %s (its beginning is missing)\n", escape(op))
	}
	b.WriteString("\n")
	for _, l := range lines {
		markdownLine(b, l)
	}
}

func markdownLine(b *strings.Builder, l Line) {
	e := l.entry()
	fmt.Fprintf(b, "- %s **%s** %s", stamp(l.TS), escape(e.Event), escape(e.Text))
	if e.By != "" {
		fmt.Fprintf(b, " (%s)", escape(e.By))
	}
	b.WriteString("\n")
	for _, w := range l.Data.Warnings {
		fmt.Fprintf(b, "  - warning: %s\n", escape(w))
	}
	for _, s := range toSymptoms(l.Data.Symptoms) {
		fmt.Fprintf(b, "  - ill: %s %s, limit %s\n", escape(or(s.Title, s.Signal)), health.Format(s.Unit, s.Value), health.Format(s.Unit, s.Limit))
	}
	for _, name := range slices.Sorted(maps.Keys(l.Data.Lineage)) {
		fmt.Fprintf(b, "  - runs: %s %s\n", escape(name), escape(l.Data.Lineage[name]))
	}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// escape makes text harmless for a terminal and for Markdown.
func escape(s string) string {
	return markdown.Replace(health.Clean(s))
}

var markdown = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`,
	"<", "&lt;", ">", "&gt;", "#", `\#`, "|", `\|`, "!", `\!`)
