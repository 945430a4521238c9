// Package proc tells what a process has taken of its machine, for the tools that measure
// sickbay. It reads /proc, so that it works on Linux only.
package proc

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// userHZ is the unit of time in /proc on every Linux there is.
const userHZ = 100

// A Usage is what a process has taken of its machine.
type Usage struct {
	CPU            time.Duration // in user and in kernel mode
	Resident, Most int64         // bytes, now and at most
}

// UsageOf reads it.
func UsageOf(pid int) (u Usage, err error) {
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
	u.CPU = time.Duration(user+system) * time.Second / userHZ
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		switch name {
		case "VmRSS":
			u.Resident = kb << 10
		case "VmHWM":
			u.Most = kb << 10
		}
	}
	if u.Resident == 0 { // it ended, and is only not forgotten yet
		return u, fmt.Errorf("/proc/%d/status: no VmRSS", pid)
	}
	return u, nil
}
