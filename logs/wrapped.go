package logs

import (
	"strings"
	"time"
)

// wrapped is a line with what was put around it.
type wrapped struct {
	line  string    // as the program wrote it
	kind  string    // who wrapped it: "CRI", "Docker", "syslog", "" nobody
	at    time.Time // when, as the wrapper says
	piece bool      // the line goes on with the next one
}

const dockerPrefix = `{"log":"`

// unwrap takes off one wrapper, if there is one:
//
//	2026-11-23T14:02:00.123456789Z stdout F {"level":"info"}              CRI: containerd, CRI-O
//	{"log":"{\"level\":\"info\"}\n","stream":"stdout","time":"2026-…Z"}   Docker's json-file
//	<34>Nov 23 14:02:00 host app[7]: text                                 syslog
func unwrap(line string) wrapped {
	switch {
	case strings.HasPrefix(line, dockerPrefix):
		if w, ok := unwrapDocker(line); ok {
			return w
		}
	case len(line) > 2 && line[0] == '<' && line[1] >= '0' && line[1] <= '9':
		if n, rest, ok := strings.Cut(line[1:min(len(line), 6)], ">"); ok {
			if _, isNumber := wholeNumber(n); isNumber {
				return wrapped{line: strings.TrimPrefix(rest+line[min(len(line), 6):], "1 "), kind: "syslog"}
			}
		}
	case len(line) > 30 && line[0] >= '0' && line[0] <= '9':
		if w, ok := unwrapCRI(line); ok {
			return w
		}
	}
	return wrapped{line: line}
}

func unwrapCRI(line string) (wrapped, bool) {
	stamp, rest, ok := strings.Cut(line[:min(len(line), 48)], " ")
	if !ok || len(rest) < 9 || !strings.HasPrefix(rest, "stdout ") && !strings.HasPrefix(rest, "stderr ") {
		return wrapped{}, false
	}
	at, ok := clock{now: time.Now, zone: time.UTC}.iso(stamp)
	if !ok {
		return wrapped{}, false
	}
	tags, text, _ := strings.Cut(line[len(stamp)+len(" stdout "):], " ")
	tag, _, _ := strings.Cut(tags, ":")
	if tag != "F" && tag != "P" {
		return wrapped{}, false
	}
	return wrapped{line: text, kind: "CRI", at: at, piece: tag == "P"}, true
}

func unwrapDocker(line string) (wrapped, bool) {
	w := wrapped{kind: "Docker"}
	known := false
	whole := fields(line, func(key string, v value) {
		switch key {
		case "log":
			w.line = v.text()
		case "time":
			w.at, known = clock{now: time.Now, zone: time.UTC}.read(v.text())
		}
	})
	if !whole || !known {
		return wrapped{}, false
	}
	text, ended := strings.CutSuffix(w.line, "\n")
	w.line, w.piece = strings.TrimSuffix(text, "\r"), !ended
	return w, true
}
