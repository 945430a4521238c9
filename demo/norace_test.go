//go:build !race

package demo

import "time"

const (
	raced = false
	look  = 10 * time.Second // between two looks at every signal
)
