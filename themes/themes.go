// Package themes makes colours by role: one TOML file each.
package themes

// A Role is what a piece of text is, never what colour it has.
type Role uint8

// The roles. Every theme has all of them.
const (
	Text     Role = iota // ordinary
	Faint                // less important, old, absent
	Struck               // refuted: it was thought of, and is not it
	Strong               // headings, the selected row's name
	Title                // pane titles
	Border               // lines between panes
	OK                   // status ok
	Warn                 // status warn
	Critical             // status critical
	Unknown              // status unknown
	Key                  // a key in the footer
	Link                 // something that can be opened
	Accent               // cursor mark, focus
	Marker               // deployment markers in charts
	LimitW               // warn limit line
	LimitC               // critical limit line
	Line1                // chart lines
	Line2
	Line3
	Line4
	Added   // "+" of a diff
	Removed // "-" of a diff
	ReadOnly
	Write
	Danger // the confirmation dialog's frame
	Roles  // how many there are
)
