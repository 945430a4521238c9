//go:build race

package pane

const race = true
