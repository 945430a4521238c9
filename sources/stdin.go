package sources

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"time"
)

func init() {
	register(Kind{
		Name: "stdin",
		Doc:  "Log lines that are piped in: `kubectl logs -f deploy/chat | sickbay --config …`. The keys are then read from the terminal itself.",
		Example: `kind = "stdin"
name = "pipe"
` + lineExample,
		Open: openStdin,
	})
}

type stdin struct {
	lined
	name string
	in   io.Reader
}

func openStdin(name string, decode Decode) (Source, error) {
	var c lineConfig
	if err := decode(&c); err != nil {
		return nil, err
	}
	o, err := c.options()
	if err != nil {
		return nil, err
	}
	return &stdin{lined{o}, name, os.Stdin}, nil
}

func (s *stdin) Name() string                            { return s.name }
func (s *stdin) Close() error                            { return nil }
func (s *stdin) About() (kind, where string)             { return "stdin", "standard input" }
func (s *stdin) Version(context.Context) (string, error) { return "", nil }

// Follow reads until the input ends, and then waits for ctx: a pipe that has run
// dry is no failure. Whoever writes into the pipe is never kept waiting.
func (s *stdin) Follow(ctx context.Context, emit func(Batch)) error {
	if f, ok := s.in.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return errors.New(s.name + ": standard input is a terminal; pipe lines into sickbay, or take the source out of the config")
		}
	}
	in := newInflow()
	go func() { in.end(pump(s.in, s.name, in)) }() // it ends when the input does, or with the program
	r := newReader(s.options, emit)
	if err := r.drain(ctx, in); err != nil {
		return errors.New(s.name + ": " + err.Error())
	}
	if ctx.Err() == nil {
		r.say("the input has ended", true, time.Now())
		<-ctx.Done()
	}
	return nil
}

// pump reads lines until they end and pushes them on. A line too long is cut.
func pump(from io.Reader, stream string, in interface{ push(page) }) error {
	lines := bufio.NewReaderSize(from, readSize)
	var partial []byte
	skip := false
	for {
		if _, err := lines.Peek(1); err != nil {
			if len(partial) > 0 {
				in.push(page{stream: stream, lines: string(partial) + "\n", came: time.Now()})
			}
			if errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
				err = nil
			}
			return err
		}
		chunk, _ := lines.Peek(lines.Buffered())
		last := bytes.LastIndexByte(chunk, '\n')
		switch first := bytes.IndexByte(chunk, '\n'); {
		case last < 0 && skip:
		case last < 0:
			if partial = append(partial, chunk...); len(partial) > maxLine {
				in.push(page{stream: stream, lines: string(partial[:maxLine]) + "\n", came: time.Now()})
				partial, skip = nil, true
			}
		default:
			begin := 0
			if skip {
				begin, skip = first+1, false
			}
			if begin <= last || len(partial) > 0 {
				in.push(page{stream: stream, lines: string(partial) + string(chunk[begin:last+1]), came: time.Now()})
			}
			partial = append(partial[:0], chunk[last+1:]...)
		}
		if _, err := lines.Discard(len(chunk)); err != nil {
			return err
		}
	}
}
