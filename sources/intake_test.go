//go:build unix

package sources

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"sickbay/health"
	"sickbay/logs"
)

// requestLog is about n bytes of what an LLM gateway logs: 20 % of the lines have captured messages.
func requestLog(n int) []byte {
	rng := rand.New(rand.NewPCG(1, 1))
	at := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	text := strings.Repeat(`where is my parcel, I ordered it last week and nobody says a word about \"soon\".\n`, 40)
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		at = at.Add(time.Duration(rng.IntN(40)) * time.Millisecond)
		level, code, failure := "info", 200, ""
		if rng.IntN(100) < 8 {
			level, code, failure = "error", 503, `,"error.type":"upstream"`
		}
		fmt.Fprintf(&b, `{"time":%q,"level":%q,"service":"chat-%d","message":"chat completed after %d ms","request_id":"req-%x","trace_id":"%016x%016x","duration_s":%.3f,"http.response.status_code":%d%s`+
			`,"gen_ai.operation.name":"chat","gen_ai.provider.name":"self","gen_ai.request.model":"m-%d","gen_ai.usage.input_tokens":%d,"gen_ai.usage.output_tokens":%d,"gen_ai.response.finish_reasons":["stop"],"prompt_version":"v3%d","cost_usd":%.5f,"tenant":"t-%d","region":"eu-%d"`,
			at.Format(time.RFC3339Nano), level, rng.IntN(4), rng.IntN(9000), i*7919, rng.Uint64(), rng.Uint64(), rng.Float64()*9, code, failure, rng.IntN(3), rng.IntN(9000), rng.IntN(900), rng.IntN(2), rng.Float64()/50, rng.IntN(40), rng.IntN(3))
		if rng.IntN(5) == 0 {
			fmt.Fprintf(&b, `,"gen_ai.input.messages":[{"role":"user","parts":[{"type":"text","content":"%s"}]}]`, text[:84*(20+rng.IntN(20))])
		}
		b.WriteString("}\n")
	}
	return b.Bytes()
}

// BenchmarkFileIntake reads a file of request logs through the source, as it is read at the start; then the same with the
// newest records held, as the engine does.
func BenchmarkFileIntake(b *testing.B) {
	path := filepath.Join(b.TempDir(), "requests.jsonl")
	text := requestLog(64 << 20)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		b.Fatal(err)
	}
	size := len(text)
	text = nil
	b.Run("read", func(b *testing.B) { intake(b, path, size, func(*logs.Store, []health.Request) {}) })
	b.Run("held", func(b *testing.B) { intake(b, path, size, (*logs.Store).Add) })
}

func intake(b *testing.B, path string, size int, take func(*logs.Store, []health.Request)) {
	runtime.GC()
	b.SetBytes(int64(size))
	b.ReportAllocs()
	var before, after syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	for b.Loop() {
		ctx, cancel := context.WithCancel(context.Background())
		f := &file{name: "x", globs: []string{path}, history: 1 << 40}
		held := new(logs.Store)
		_ = f.Follow(ctx, func(batch Batch) {
			take(held, batch.Requests)
			if batch.CaughtUp {
				cancel()
			}
		})
	}
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	used := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
	b.ReportMetric(float64(size)*float64(b.N)/1e6/used.Seconds(), "MB/cpu-s")
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys-m.HeapReleased)/1e6, "MB-held")
}
