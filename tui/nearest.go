package tui

import "fmt"

// meant is "; did you mean …?" when one of the names is close to what was typed.
func meant(typed string, names []string) string {
	best, distance := "", len(typed)/3+2
	for _, n := range names {
		if d := edits(typed, n); d < distance {
			best, distance = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// edits is how many bytes have to be added, removed or changed to make b from a.
func edits(a, b string) int {
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		diagonal := last[0]
		last[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = last[j+1]
			last[j+1] = min(cost, last[j]+1, diagonal+1)
		}
	}
	return last[len(b)]
}
