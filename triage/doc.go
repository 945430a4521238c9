// Package triage says what it all means: which service is ill and why, since
// when, and what probably did it. Everything in it is a function of what it is
// given: it asks nobody, starts nothing and knows no clock.
package triage
