package triage

import (
	"time"

	"sickbay/health"
)

// heldWhole are records that are held whole.
type heldWhole []health.Request

func (l heldWhole) Len() int                         { return len(l) }
func (l heldWhole) At(i int) time.Time               { return l[i].At }
func (l heldWhole) Service(i int) string             { return l[i].Service }
func (l heldWhole) Failed(i int) bool                { return l[i].Failed }
func (l heldWhole) Group(i int) string               { return l[i].Group }
func (l heldWhole) Read(i int, into *health.Request) { *into = l[i] }
