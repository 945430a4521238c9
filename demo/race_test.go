//go:build race

package demo

import "time"

// raced tests see less history and look less often: the detector makes all of
// it ten times slower.
const (
	raced = true
	look  = time.Minute
)
