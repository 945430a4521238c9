package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// userHZ is the unit of time in /proc on every Linux there is.
const userHZ = 100

// A usage is what a process has taken of its machine.
type usage struct {
	cpu            time.Duration
	resident, most int64 // bytes
}

// usageOf reads /proc, so that it works on Linux only.
func usageOf(pid int) (u usage, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, err
	}
	_, rest, _ := bytes.Cut(stat, []byte(") ")) // the name may hold anything
	fields := strings.Fields(string(rest))
	if len(fields) < 13 {
		return u, fmt.Errorf("/proc/%d/stat: too short", pid)
	}
	user, _ := strconv.Atoi(fields[11]) // utime and stime, fields 14 and 15 of proc(5)
	system, _ := strconv.Atoi(fields[12])
	u.cpu = time.Duration(user+system) * time.Second / userHZ
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		switch name {
		case "VmRSS":
			u.resident = kb << 10
		case "VmHWM":
			u.most = kb << 10
		}
	}
	return u, nil
}

// plain is what was drawn, a line for each time the cursor moved to another one.
func plain(s string) string {
	return ansi.Strip(strings.NewReplacer("\r\n", "\n", "\x1b[", "\n\x1b[").Replace(s))
}
