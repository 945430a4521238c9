package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Text is a screen without colours: plain lines, without blanks at their ends.
func Text(screen string) string {
	lines := strings.Split(ansi.Strip(screen), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// ANSI is a screen as a terminal draws it.
func ANSI(screen string) string { return screen + "\n" }
