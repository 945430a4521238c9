package main

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// plain is what was drawn, a line for each time the cursor moved to another one.
func plain(s string) string {
	return ansi.Strip(strings.NewReplacer("\r\n", "\n", "\x1b[", "\n\x1b[").Replace(s))
}
