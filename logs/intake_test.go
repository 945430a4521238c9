//go:build unix

package logs

import (
	"bytes"
	"strings"
	"syscall"
	"testing"
	"time"

	"sickbay/health"
)

// cpu is what this process has used of all processors.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkIntake(b *testing.B) {
	text := newMill(1).log(32 << 20)
	n := bytes.Count(text, []byte("\n"))
	b.Logf("%d lines of %d bytes", n, len(text)/n)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	began := cpu()
	for b.Loop() {
		p := parser()
		var r health.Request
		for rest := text; len(rest) > 0; {
			page := rest[:min(64<<10, len(rest))]
			page = page[:bytes.LastIndexByte(page, '\n')+1]
			rest = rest[len(page):]
			for lines := string(page); lines != ""; {
				end := strings.IndexByte(lines, '\n')
				p.Slim(&r, lines[:end])
				lines = lines[end+1:]
			}
		}
	}
	b.ReportMetric(float64(len(text))*float64(b.N)/1e6/(cpu()-began).Seconds(), "MB/cpu-s")
}
