// Package tui is the screen: keys, focus, arrangement and dialogs. What is drawn is
// a pure function of a snapshot and a State; what a key does is a pure function of
// a State. It asks nobody: there is only the Ward, and the Ward never blocks.
package tui

import "sickbay/health"

// A Ward is all a screen knows of the world outside.
type Ward interface {
	// Snapshot is the newest one through this viewer's lens. Never nil; never
	// changed once given out.
	Snapshot() *health.Snapshot
	// Changed says "look again"; said twice it is said once. Nil: nothing ever
	// changes. Closed: the ward is gone, and nothing will change any more.
	Changed() <-chan struct{}
	// Want replaces what this viewer is looking at. It returns at once.
	Want(health.Interest)
	// Submit hands over an order. It returns once the order is written down, or
	// with the reason why it is not taken; the deed itself shows in snapshots.
	Submit(health.Order) (id string, err error)
}
