package tui

import (
	"fmt"
	"strings"
	"time"

	"sickbay/health"
	"sickbay/themes"
	"sickbay/tui/pane"
)

// Screen draws what a viewer sees: exactly h lines of exactly w cells, joined by
// newlines. It is a pure function; nothing but SGR sequences is in it.
func Screen(snap *health.Snapshot, s State, w, h int, look *themes.Look, now time.Time) string {
	sc := scene{snap: s.shown(snap), look: look, redact: s.Redact, w: w, h: h, now: now}
	return newPictures().draw(s.settled(sc), sc)
}

// pictures keeps what was drawn, so that a key redraws only what it changed. It
// belongs to one viewer and is no part of what a picture is.
type pictures struct {
	arranged    Arrangement
	arrangedKey arrangedKey
	skeleton    *skeleton
	skeletonKey skeletonKey
	panes       map[string]drawn
	head, foot  drawnLine
	size        int // of the last screen, in bytes
}

// An arrangedKey is all that an arrangement depends on.
type arrangedKey struct {
	snap         *health.Snapshot
	view         pane.View
	focus, lower int
	w, h         int
	filters      string
}

type skeletonKey struct {
	Arrangement
	look *themes.Look
}

// A paneKey is all that a pane's rows depend on.
type paneKey struct {
	snap  *health.Snapshot
	view  pane.View
	state pane.State
	look  *themes.Look
	now   time.Time
	w, h  int
	focus bool
	bare  bool
	alone bool
}

type drawn struct {
	key  paneKey
	rows []string
}

// A lineKey is all that header and key line depend on.
type lineKey struct {
	snap    *health.Snapshot
	view    pane.View
	look    *themes.Look
	minute  int64
	w       int
	focus   int
	filter  string // of the pane with the focus
	row     string // selected in it
	paused  bool
	write   bool
	message Message
	prompt  Prompt
	op      string
	name    string
	back    int
	covered bool // by a dialog or a sheet
}

type drawnLine struct {
	key  lineKey
	text string
}

func newPictures() *pictures { return &pictures{panes: map[string]drawn{}} }

// draw draws a settled State.
func (p *pictures) draw(s State, sc scene) string {
	if sc.h < 1 {
		return ""
	}
	if sc.w < minWidth || sc.h < minHeight {
		return tooSmall(sc)
	}
	key := s.lineKey(sc)
	var b strings.Builder
	b.Grow(p.size + 256)
	b.WriteString(p.head.line(key, func() string { return header(s, sc, sc.w) }))
	p.body(&b, s, sc)
	b.WriteByte('\n')
	b.WriteString(p.foot.line(key, func() string { return footer(s, sc, sc.w) }))
	p.size = b.Len()
	if s.Sheet.Kind == "" && !s.Confirm.Open {
		return b.String()
	}
	rows := strings.Split(b.String(), "\n")
	if s.Sheet.Kind != "" {
		rows = drawSheet(s, sc, rows)
	}
	if s.Confirm.Open {
		rows = drawConfirm(s, sc, rows) // last: nothing lies over it
	}
	return strings.Join(rows, "\n")
}

func (d *drawnLine) line(k lineKey, draw func() string) string {
	if d.text == "" || d.key != k {
		d.key, d.text = k, draw()
	}
	return d.text
}

func (s State) lineKey(sc scene) lineKey {
	state := s.Panes[s.focused()]
	return lineKey{
		snap: sc.snap, view: s.View, look: sc.look, minute: sc.now.Unix() / 60, w: sc.w, focus: s.Focus,
		filter: state.Filter, row: state.Selected, paused: s.Paused != nil, write: s.Write,
		message: s.Message, prompt: s.Prompt, op: s.Op, name: s.Name, back: len(s.Back), covered: s.Confirm.Open || s.Sheet.Kind != "",
	}
}

// body writes the rule, the panes with the lines between them, and the rule.
func (p *pictures) body(b *strings.Builder, s State, sc scene) {
	if k := (skeletonKey{p.arrangement(s, sc), sc.look}); p.skeleton == nil || p.skeletonKey != k {
		p.skeleton, p.skeletonKey = newSkeleton(k.Arrangement, sc.look), k
	}
	var space [8][]string
	rows := space[:0]
	for _, box := range p.skeleton.boxes {
		rows = append(rows, p.pane(s, sc, box))
	}
	for y, pieces := range p.skeleton.rows {
		b.WriteByte('\n')
		if y == 0 {
			if op := strip(s, sc); op != nil {
				b.WriteString(drawStrip(op, sc, sc.w))
				continue
			}
		}
		for _, piece := range pieces {
			if piece.box == line {
				b.WriteString(piece.text)
			} else {
				b.WriteString(rows[piece.box][piece.row])
			}
		}
	}
}

func (p *pictures) arrangement(s State, sc scene) Arrangement {
	k := arrangedKey{sc.snap, s.View, s.Focus, s.Lower, sc.w, sc.h, ""}
	for _, name := range panesOf(s.View.Screen) {
		k.filters += s.Panes[name].Filter + "/"
	}
	if p.arrangedKey != k {
		p.arranged, p.arrangedKey = s.arrangement(sc), k
	}
	return p.arranged
}

// pane is a box's rows, drawn again only when something they depend on changed.
func (p *pictures) pane(s State, sc scene, box Box) []string {
	in := s.input(sc, box.Pane, s.focused() == box.Pane)
	k := paneKey{in.Snap, in.View, in.State, in.Look, in.Now, box.W, box.H, in.Focus, box.Bare, in.Alone}
	if d, ok := p.panes[box.Pane]; ok && d.key == k {
		return d.rows
	}
	rows := drawBox(in, box)
	p.panes[box.Pane] = drawn{k, rows}
	return rows
}

// drawBox is a pane under its title.
func drawBox(in pane.Input, box Box) []string {
	var rows []string
	h := box.H
	if !box.Bare && h > 0 {
		rows, h = append(rows, drawTitle(in, box)), h-1
	}
	k, ok := pane.Get(box.Pane)
	if !ok { // a pane that is not built yet
		rows = append(rows, newRow(in.Look, box.W).put(themes.Faint, " …").String())
	} else if h > 0 {
		rows = append(rows, k.Draw(in, box.W, h)...)
	}
	for len(rows) < box.H {
		rows = append(rows, blanks(box.W))
	}
	return rows[:box.H]
}

// drawTitle is the title row: what the pane is about, and what is left out of it.
func drawTitle(in pane.Input, box Box) string {
	role := themes.Title
	if in.Focus {
		role = themes.Accent
	}
	r := newRow(in.Look, box.W).put(themes.Text, " ").put(role, title(in, box.Pane))
	if in.State.Filter != "" {
		r.put(themes.Text, "  ").put(themes.Warn, "/"+in.State.Filter)
	}
	if k, ok := pane.Get(box.Pane); ok && k.Extent != nil {
		unseen := k.Extent(in, box.W, box.H-1).Words()
		if at := box.W - width(unseen) - 1; unseen != "" && r.used+2 <= at {
			r.to(at).put(themes.Faint, unseen)
		}
	}
	return r.String()
}

func title(in pane.Input, name string) string {
	if k, ok := pane.Get(name); ok && k.Title != nil {
		return k.Title(in)
	}
	return strings.ToUpper(name)
}

// tooSmall is all that is said on a screen too small to say more.
func tooSmall(sc scene) string {
	rows := make([]string, sc.h)
	for y := range rows {
		rows[y] = blanks(sc.w)
	}
	text := fmt.Sprintf("window too small: %dx%d needed", minWidth, minHeight)
	r := newRow(sc.look, sc.w).to((sc.w - len(text)) / 2)
	rows[(sc.h-1)/2] = r.put(themes.Warn, text).String()
	return strings.Join(rows, "\n")
}
