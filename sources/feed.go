package sources

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"sickbay/health"
	"sickbay/logs"
)

func init() {
	register(Kind{
		Name: "feed",
		Doc: "Changes written down by whoever makes them, one JSON object each: id, ts, kind, service, from, to, text, url, uncertain_s, dim. " +
			"From a server (GET url?since=TIME) or a file (path).",
		Example: `kind = "feed"
name = "changes"
url = "https://deployer.example.com/changes"   # or a file: path = "/var/log/changes.jsonl"
` + webExample,
		Open: openFeed,
	})
}

const (
	maxChanges    = 10_000
	maxChangeLine = 1 << 20
)

type feedConfig struct {
	webConfig
	Path string `toml:"path"`
}

func openFeed(name string, decode Decode) (Source, error) {
	var c feedConfig
	if err := decode(&c); err != nil {
		return nil, err
	}
	switch {
	case c.Path != "" && c.URL != "":
		return nil, errors.New("path: url is set too; keep one of them")
	case c.Path != "":
		path, err := expand(c.Path)
		if err != nil {
			return nil, fmt.Errorf("path: %w", err)
		}
		return &fileFeed{name, path}, nil
	case c.URL == "":
		return nil, errors.New(`url: is missing; say where the changes are: url = "https://…", or path = "changes.jsonl"`)
	}
	w, err := c.open(name, "a feed of changes")
	if err != nil {
		return nil, err
	}
	return &webFeed{w}, nil
}

// webFeed asks a server.
type webFeed struct{ *web }

func (f *webFeed) About() (kind, where string) { return "feed", f.where() }

// Version is empty: a feed does not say who it is.
func (f *webFeed) Version(context.Context) (string, error) { return "", nil }

// Changes asks for everything since a time. Changes that could be read come back
// even when others could not; the error then names the first that could not.
func (f *webFeed) Changes(ctx context.Context, since time.Time) ([]health.Change, error) {
	var all []health.Change
	var unread error
	_, err := f.ask(ctx, func(ctx context.Context) error {
		u := *f.base
		q := u.Query()
		q.Set("since", since.UTC().Format(time.RFC3339))
		u.RawQuery = q.Encode()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return err
		}
		resp, err := f.client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			text, _ := io.ReadAll(io.LimitReader(resp.Body, maxHead))
			return &said{inWords(text)}
		}
		all, unread, err = readChanges(resp.Body, f.name, since)
		return err
	})
	if err != nil {
		return all, err
	}
	if unread != nil {
		unread = &failure{f.name + ": " + unread.Error(), ErrRefused}
	}
	return all, unread
}

// fileFeed reads a file of JSON lines.
type fileFeed struct{ name, path string }

func (f *fileFeed) Name() string                            { return f.name }
func (f *fileFeed) Close() error                            { return nil }
func (f *fileFeed) About() (kind, where string)             { return "feed", f.path }
func (f *fileFeed) Version(context.Context) (string, error) { return "", nil }

// Changes reads the file from its beginning: it is short, and may be edited.
func (f *fileFeed) Changes(ctx context.Context, since time.Time) ([]health.Change, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	file, err := os.Open(f.path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	defer file.Close()
	all, unread, err := readChanges(&limited{r: file, close: file, left: maxBody}, f.name, since)
	if err = errors.Join(err, unread); err != nil {
		return all, &failure{fmt.Sprintf("%s: %s: %s", f.name, f.path, err), ErrRefused}
	}
	return all, nil
}

// readChanges reads a JSON array, or JSON lines. unread names the first thing
// that could not be read while others could; err is why there is nothing at all.
func readChanges(r io.Reader, source string, since time.Time) (all []health.Change, unread, err error) {
	in := bufio.NewReader(r)
	first, n, err := firstByte(in)
	if err == io.EOF {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	take := func(what string, n int, text []byte) {
		c, err := readChange(text, source)
		switch {
		case err != nil && unread == nil:
			unread = fmt.Errorf("%s %d: %w", what, n, err)
		case err == nil && !c.At.Before(since) && len(all) < maxChanges:
			all = append(all, c)
		}
	}
	if first == '[' {
		var list []json.RawMessage
		if err := json.NewDecoder(in).Decode(&list); err != nil {
			return nil, nil, fmt.Errorf("is no list of changes: %w", unwound(err))
		}
		for i, text := range list {
			take("change", i+1, text)
		}
		return all, unread, nil
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxChangeLine)
	for lines.Scan() {
		if n++; len(bytes.TrimSpace(lines.Bytes())) > 0 {
			take("line", n, lines.Bytes())
		}
	}
	if err := lines.Err(); err != nil {
		return all, nil, fmt.Errorf("line %d: %w", n+1, err)
	}
	return all, unread, nil
}

// firstByte looks at the first byte that is not blank, without taking it, and
// says how many lines stand before it.
func firstByte(in *bufio.Reader) (first byte, lines int, err error) {
	for {
		b, err := in.ReadByte()
		switch {
		case err != nil:
			return 0, lines, err
		case b == '\n':
			lines++
		case b != ' ' && b != '\t' && b != '\r':
			return b, lines, in.UnreadByte()
		}
	}
}

// unwound says in one word what a decoder says in many: the text ended early.
func unwound(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends in the middle")
	}
	return err
}

// changeJSON is a change as it is written. Times and numbers may be text.
type changeJSON struct {
	ID        any    `json:"id"`
	TS        any    `json:"ts"`
	Time      any    `json:"time"` // for ts
	Kind      string `json:"kind"`
	Service   string `json:"service"`
	From      any    `json:"from"`
	To        any    `json:"to"`
	Text      string `json:"text"`
	URL       string `json:"url"`
	Uncertain any    `json:"uncertain_s"`
	Dim       string `json:"dim"` // property of requests that carries to: "prompt_version"
}

func readChange(text []byte, source string) (health.Change, error) {
	var in changeJSON
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&in); err != nil {
		return health.Change{}, unwound(err)
	}
	ts := written(in.TS)
	if ts == "" {
		ts = written(in.Time)
	}
	at, ok := logs.ParseTime(ts)
	if !ok {
		return health.Change{}, fmt.Errorf("ts %q is not a time", health.Cut(ts, maxErrorText))
	}
	c := health.Change{
		ID: written(in.ID), At: at, Kind: in.Kind, Service: in.Service, From: written(in.From), To: written(in.To),
		Text: in.Text, URL: in.URL, Source: source, Dim: in.Dim,
	}
	if s, err := strconv.ParseFloat(written(in.Uncertain), 64); err == nil && s > 0 && s < 1e9 {
		c.Uncertain = time.Duration(s * float64(time.Second))
	}
	if c.ID == "" { // the same change keeps its id
		h := fnv.New64a()
		fmt.Fprint(h, c.At, c.Kind, c.Service, c.From, c.To, c.Text)
		c.ID = strconv.FormatUint(h.Sum64(), 16)
	}
	return c, nil
}

// written is a text or a number as it stands in JSON; anything else is nothing.
func written(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}
