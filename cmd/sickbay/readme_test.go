package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestTheReadmeNamesWhatThereIs: every subcommand and scenario is in the README,
// and every file it links to is there.
func TestTheReadmeNamesWhatThereIs(t *testing.T) {
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(b)
	for name := range commands {
		if !strings.Contains(readme, "`sickbay "+name) {
			t.Errorf("the README does not name the subcommand %s", name)
		}
	}
	for _, name := range scenarioNames() {
		if !strings.Contains(readme, "| `"+name+"` |") {
			t.Errorf("the README does not name the scenario %s", name)
		}
	}
	for _, link := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(readme, -1) {
		if _, err := os.Stat("../../" + link[1]); err != nil {
			t.Errorf("the README links to %s, which is not there", link[1])
		}
	}
}
