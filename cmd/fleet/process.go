package main

import (
	"time"

	"sickbay/cmd/internal/proc"
)

// cpuOf is how long a process has been computing.
func cpuOf(pid int) (time.Duration, error) {
	u, err := proc.UsageOf(pid)
	return u.CPU, err
}

// residentOf is how much memory a process occupies, in bytes.
func residentOf(pid int) (int64, error) {
	u, err := proc.UsageOf(pid)
	return u.Resident, err
}
