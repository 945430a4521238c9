// Command frozen serves every scenario of the demo at one moment that does not
// pass, for tests that read the same story again and again. It is a program of its
// own because the tests run under the race detector, and so much arithmetic would
// take minutes under it. It ends when its standard input does.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"sickbay/demo"
)

func main() {
	if err := serve(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "frozen:", err)
		os.Exit(1)
	}
}

// serve starts every scenario at a moment, with its files below dir, and prints
// one JSON object: where each of them is, by name.
func serve(at, dir string) error {
	moment, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return err
	}
	places := map[string]demo.Info{}
	for _, s := range demo.Scenarios() {
		o := demo.Options{Scenario: s.Name, Seed: 1, Dir: filepath.Join(dir, s.Name), Now: func() time.Time { return moment }}
		if err := os.MkdirAll(o.Dir, 0o755); err != nil {
			return err
		}
		d, err := demo.Start(context.Background(), o)
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		defer d.Close()
		places[s.Name] = d.Info()
	}
	if err := json.NewEncoder(os.Stdout).Encode(places); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
