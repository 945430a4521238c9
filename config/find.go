package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Find says which file is meant: flag, else $SICKBAY_CONFIG, else config.toml in
// the user's folder, else ./sickbay.toml, else none (""). A file that was named
// must be there; one that was not need not be, but must be readable if it is.
func Find(flag string, getenv func(string) string) (string, error) {
	for _, named := range [][2]string{{flag, "--config"}, {getenv("SICKBAY_CONFIG"), "$SICKBAY_CONFIG"}} {
		if named[0] == "" {
			continue
		}
		there, err := isFile(named[0])
		if err == nil && !there {
			err = errors.New("no such file")
		}
		if err != nil {
			return "", fmt.Errorf("config %s (from %s): %w", named[0], named[1], err)
		}
		return named[0], nil
	}
	usual := []string{"sickbay.toml"}
	if dir := UserDir(getenv); dir != "" {
		usual = []string{filepath.Join(dir, "config.toml"), "sickbay.toml"}
	}
	for _, path := range usual {
		there, err := isFile(path)
		if err != nil {
			return "", fmt.Errorf("config %s: %w", path, err)
		}
		if there {
			return path, nil
		}
	}
	return "", nil
}

// UserDir is the folder of the user's config, themes and packs:
// $XDG_CONFIG_HOME/sickbay, else ~/.config/sickbay; "" without a home. A
// relative $XDG_CONFIG_HOME is ignored, as its specification demands.
func UserDir(getenv func(string) string) string {
	if dir := getenv("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "sickbay")
	}
	if home := getenv("HOME"); home != "" {
		return filepath.Join(home, ".config", "sickbay")
	}
	return ""
}

func isFile(path string) (bool, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, errors.Unwrap(err) // without the path: the caller names it
	case info.IsDir():
		return false, errors.New("is a folder, not a file")
	}
	return true, nil
}
