package sources

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sickbay/health"
)

func init() {
	register(Kind{
		Name: "otlp",
		Doc: "Traces in files of OpenTelemetry's JSON, as the collector's file exporter writes them: one batch of spans a line, or one document. " +
			"Looked into when a request is opened; .gz is read too.",
		Example: `kind = "otlp"
name = "spans"
paths = ["/var/log/otel/traces*.json"]
history = 256                     # MiB that are looked through for one trace, newest files first
` + traceURLExample,
		Open: openOTLP,
	})
}

const maxBatchLine = 16 << 20 // bytes of one batch of spans

type otlpConfig struct {
	traceURL
	Paths   []string `toml:"paths"`
	History int64    `toml:"history"`
}

type otlpFiles struct {
	name    string
	globs   []string
	history int64 // bytes
	link    health.LinkTemplate
}

func openOTLP(name string, decode Decode) (Source, error) {
	c := otlpConfig{History: 256}
	if err := decode(&c); err != nil {
		return nil, err
	}
	if len(c.Paths) == 0 {
		return nil, errors.New(`paths: is missing; say which files: paths = ["/var/log/otel/traces*.json"]`)
	}
	if c.History < 1 || c.History > 1<<16 {
		return nil, fmt.Errorf("history: %d MiB cannot be; say how much of the files to look through, 1 to %d", c.History, 1<<16)
	}
	f := &otlpFiles{name: name, history: c.History << 20}
	var err error
	if f.link, err = c.template(); err != nil {
		return nil, err
	}
	for _, p := range c.Paths {
		if p, err = expand(p); err != nil {
			return nil, fmt.Errorf("paths: %w", err)
		}
		if _, err := filepath.Match(p, ""); err != nil || p == "" {
			return nil, fmt.Errorf("paths: %q is not a pattern of file names", p)
		}
		f.globs = append(f.globs, filepath.Clean(p))
	}
	return f, nil
}

func (f *otlpFiles) Name() string                { return f.name }
func (f *otlpFiles) Close() error                { return nil }
func (f *otlpFiles) About() (kind, where string) { return "otlp", strings.Join(f.globs, " ") }

// Version is empty; it fails when there is no file to look into.
func (f *otlpFiles) Version(context.Context) (string, error) {
	_, err := f.files()
	return "", err
}

// files are those that the patterns match, newest first.
func (f *otlpFiles) files() ([]string, error) {
	type found struct {
		path string
		info os.FileInfo
	}
	var all []found
	for _, g := range f.globs {
		paths, _ := filepath.Glob(g) // the pattern was checked when the source was opened
		for _, p := range paths {
			if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
				all = append(all, found{p, info})
			}
		}
	}
	if len(all) == 0 {
		return nil, &failure{fmt.Sprintf("%s: there is no file %s", f.name, strings.Join(f.globs, " ")), nil}
	}
	slices.SortStableFunc(all, func(a, b found) int { return b.info.ModTime().Compare(a.info.ModTime()) })
	paths := make([]string, 0, len(all))
	for _, a := range all[:min(len(all), maxFiles)] {
		paths = append(paths, a.path)
	}
	return paths, nil
}

// Trace looks through the newest files. A file that cannot be read is named when
// the others do not have the trace.
func (f *otlpFiles) Trace(ctx context.Context, id string) (health.Trace, error) {
	id, err := cleanTraceID(id)
	if err != nil {
		return health.Trace{}, fmt.Errorf("%s: %w", f.name, err)
	}
	paths, err := f.files()
	if err != nil {
		return health.Trace{}, err
	}
	var list spanList
	var unread error
	left := f.history
	for _, p := range paths {
		if err := search(ctx, p, id, &left, &list); err != nil && unread == nil {
			unread = fmt.Errorf("%s: %w", p, bare(err))
		}
		if ctx.Err() != nil {
			return health.Trace{}, fmt.Errorf("%s: %w", f.name, ctx.Err())
		}
		if left <= 0 {
			break
		}
	}
	t, err := list.trace(id, f.name, f.link)
	if err != nil && unread != nil {
		return t, &failure{fmt.Sprintf("%s: %v", f.name, unread), ErrRefused}
	}
	return t, err
}

// search adds the spans of a trace in one file. left is how many bytes may be read.
func search(ctx context.Context, path, id string, left *int64, list *spanList) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	var r io.Reader = file
	if filepath.Ext(path) == ".gz" {
		if r, err = gzip.NewReader(file); err != nil {
			return err
		}
	}
	return searchLines(ctx, &budget{r, left}, id, list)
}

// budget ends when all that may be read has been read.
type budget struct {
	r    io.Reader
	left *int64
}

func (b *budget) Read(p []byte) (int, error) {
	if *b.left <= 0 {
		return 0, io.EOF
	}
	n, err := b.r.Read(p[:min(int64(len(p)), *b.left)])
	*b.left -= int64(n)
	return n, err
}

// searchLines reads a batch a line, and only those that have the id in them. A file
// whose first line only begins a document is one document.
func searchLines(ctx context.Context, r io.Reader, id string, list *spanList) error {
	in := bufio.NewReaderSize(r, 1<<16)
	wanted := spellings(id)
	var wrong error
	for n := 1; ctx.Err() == nil; n++ {
		line, err := readLine(in)
		text := bytes.TrimSpace(line)
		if n == 1 && bytes.HasPrefix(text, []byte("{")) && !bytes.HasSuffix(text, []byte("}")) {
			return searchWhole(io.MultiReader(bytes.NewReader(line), in), id, list)
		}
		if slices.ContainsFunc(wanted, func(w []byte) bool { return bytes.Contains(text, w) }) {
			var d otlpDocument
			if bad := json.Unmarshal(text, &d); bad != nil && wrong == nil {
				wrong = fmt.Errorf("line %d: %w", n, unwound(bad))
			}
			d.into(id, list)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	return wrong
}

// readLine reads a line of any length and keeps what is reasonable of it.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		if len(line)+len(part) <= maxBatchLine {
			line = append(line, part...)
		}
		if err != bufio.ErrBufferFull {
			return line, err
		}
	}
}

// searchWhole reads documents that go over several lines, one behind the other.
func searchWhole(r io.Reader, id string, list *spanList) error {
	docs := json.NewDecoder(&limited{r: r, close: io.NopCloser(nil), left: maxBody})
	for {
		var d otlpDocument
		err := docs.Decode(&d)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("is no JSON of OpenTelemetry: %w", unwound(err))
		}
		d.into(id, list)
	}
}

// spellings are the ways an id may stand in a file.
func spellings(id string) [][]byte {
	b, err := hex.DecodeString(id)
	if err != nil {
		return nil
	}
	return [][]byte{[]byte(id), []byte(strings.ToUpper(id)), []byte(base64.StdEncoding.EncodeToString(b))}
}
