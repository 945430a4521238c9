package logs

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

const (
	maxLevels = 8  // words of a message that tell groups apart
	fanFirst  = 60 // causes of a service, and different first words of a cause …
	fanBelow  = 8  // … and different words behind the same words, before they are all called <*>
	maxNodes  = 20_000
	maxNamed  = 2_000  // services; all others are called <*>
	maxFormer = 10_000 // ids of groups that are remembered after they became one
)

// tree holds every masked message word by word. Where more different words follow
// the same words than can be part of a text, they are names or the like: all of
// them become one star, and what stood behind them is united. That is done for good
// and for everybody who was there or will come, so the tree depends on the set of
// messages and not on their order, until it is full: then the widest place becomes
// a star too.
type tree struct {
	root   node
	nodes  int
	limit  int               // of nodes, before the tree is made narrower
	former map[string]*group // by an id that a group does not have any more
}

// A node is a word, in the place where it stands.
type node struct {
	word     string
	up       *node
	level    int // 0 the root, 1 services, 2 causes, 3 the first word
	merged   bool
	text     bool             // whatever follows is the rest of a text
	gone     bool             // it is part of another node now
	children []*node          // by no order; one, if merged
	byWord   map[string]*node // the same, once there are many
	leaf     *group           // of the messages that end here
}

// manyChildren is where searching one by one takes longer than a map.
const manyChildren = 8

func newTree() *tree { return &tree{limit: maxNodes, former: map[string]*group{}} }

// fan is how many different words may follow.
func (n *node) fan() int {
	switch n.level {
	case 0:
		return maxNamed + 1
	case 1, 2:
		return fanFirst
	}
	return fanBelow
}

func (n *node) child(word []byte) *node {
	if n.text {
		return n
	}
	if n.merged {
		return n.children[0]
	}
	if n.byWord != nil {
		return n.byWord[string(word)]
	}
	for _, c := range n.children {
		if c.word == string(word) {
			return c
		}
	}
	return nil
}

func (n *node) adopt(c *node) {
	c.up = n
	n.children = append(n.children, c)
	switch {
	case n.byWord != nil:
		n.byWord[c.word] = c
	case len(n.children) > manyChildren:
		n.byWord = make(map[string]*node, 2*len(n.children))
		for _, c := range n.children {
			n.byWord[c.word] = c
		}
	}
}

// find returns the place of a masked message, which may be new.
func (t *tree) find(service, cause string, masked []byte) *node {
	if t.nodes >= t.limit {
		t.narrow()
	}
	if len(t.root.children) >= maxNamed && t.root.child([]byte(service)) == nil {
		service = anything
	}
	n := t.step(&t.root, []byte(service))
	n = t.step(n, []byte(cause))
	for rest := head(masked); len(rest) > 0; {
		word := rest
		if end := bytes.IndexByte(rest, ' '); end >= 0 {
			word, rest = rest[:end], rest[end+1:]
		} else {
			rest = nil
		}
		if n = t.step(n, word); n.text {
			break
		}
	}
	return n
}

// look returns the place of a masked message if there is one.
func (t *tree) look(service, cause string, masked []byte) *node {
	n := t.root.child([]byte(service))
	if n != nil {
		n = n.child([]byte(cause))
	}
	for rest := head(masked); n != nil && len(rest) > 0; {
		var word []byte
		word, rest, _ = bytes.Cut(rest, []byte(" "))
		if n = n.child(word); n != nil && n.text {
			break
		}
	}
	return n
}

func (t *tree) step(n *node, word []byte) *node {
	if c := n.child(word); c != nil {
		return c
	}
	c := &node{word: string(word), level: n.level + 1}
	n.adopt(c)
	t.nodes++
	if len(n.children) > n.fan() {
		t.merge(n)
		t.rename(n)
		return n.child(word)
	}
	return c
}

// merge makes one star of all words behind n.
func (t *tree) merge(n *node) {
	all := n.children
	star := &node{word: anything, up: n, level: n.level + 1}
	n.children, n.byWord, n.merged = []*node{star}, nil, true
	t.nodes++
	for _, c := range all {
		t.unite(star, c)
	}
	if n.level >= 3 && n.up.merged {
		t.end(n)
	}
}

// end makes n the last word of all messages that lead to it: where two stars
// follow each other a text begins, and where it ends says nothing.
func (t *tree) end(n *node) {
	all := n.children
	n.children, n.byWord, n.merged, n.text = nil, nil, false, true
	for _, c := range all {
		t.absorb(n, c)
	}
}

// absorb moves the groups behind from to the end of a text.
func (t *tree) absorb(into, from *node) {
	t.nodes--
	from.gone = true
	if from.leaf != nil {
		t.uniteGroups(into, from.leaf)
	}
	for _, c := range from.children {
		t.absorb(into, c)
	}
}

// unite moves everything behind from to into. from is no part of the tree any more.
func (t *tree) unite(into, from *node) {
	if from.text && !into.text {
		t.end(into)
	}
	if into.text {
		t.absorb(into, from)
		return
	}
	t.nodes--
	from.gone = true
	if from.leaf != nil {
		t.uniteGroups(into, from.leaf)
	}
	if from.merged && !into.merged {
		t.merge(into)
	}
	for _, c := range from.children {
		if same := into.child([]byte(c.word)); same != nil {
			t.unite(same, c) // with into itself, if that has become a text
			continue
		}
		into.adopt(c)
		if len(into.children) > into.fan() {
			t.merge(into)
		}
	}
}

func (t *tree) uniteGroups(into *node, g *group) {
	if into.leaf == nil {
		into.leaf, g.node = g, into
		return
	}
	into.leaf.take(g)
	t.remember(g.id, into.leaf)
	g.into = into.leaf
}

// rename gives the groups behind n the ids of where they are now.
func (t *tree) rename(n *node) {
	if n.leaf != nil {
		if id := n.id(); id != n.leaf.id {
			t.remember(n.leaf.id, n.leaf)
			n.leaf.id = id
		}
	}
	for _, c := range n.children {
		t.rename(c)
	}
}

// remember keeps a former id, so that links to it lead somewhere.
func (t *tree) remember(id string, g *group) {
	if len(t.former) >= maxFormer {
		clear(t.former)
	}
	t.former[id] = g
}

// narrow makes room for a quarter of the nodes: the widest places become stars.
func (t *tree) narrow() {
	var wide []*node
	t.each(func(n *node) {
		if n.level > 0 && len(n.children) > 1 {
			wide = append(wide, n)
		}
	})
	slices.SortFunc(wide, func(a, b *node) int {
		if n := len(b.children) - len(a.children); n != 0 {
			return n
		}
		return cmp.Or(a.level-b.level, slices.Compare(a.words(), b.words()))
	})
	for _, n := range wide {
		if t.nodes <= maxNodes*3/4 {
			break
		}
		if !n.gone && !n.merged {
			t.merge(n)
			t.rename(n)
		}
	}
	t.limit = max(maxNodes, t.nodes+maxNodes/100)
}

func (t *tree) each(visit func(*node)) { t.root.each(visit) }

func (n *node) each(visit func(*node)) {
	visit(n)
	for _, c := range n.children {
		c.each(visit)
	}
}

// prune forgets a place that no message leads to any more.
func (t *tree) prune(n *node) {
	for n.up != nil && n.leaf == nil && len(n.children) == 0 && !n.up.merged {
		up := n.up
		up.children = slices.DeleteFunc(up.children, func(c *node) bool { return c == n })
		delete(up.byWord, n.word)
		t.nodes--
		n = up
	}
}

// words are the words that lead to n: service, cause, message.
func (n *node) words() []string {
	all := make([]string, n.level)
	for ; n.level > 0; n = n.up {
		all[n.level-1] = n.word
	}
	return all
}

// path is what stands in place of the first words of a message.
func (n *node) path() string {
	if n.level < 3 {
		return ""
	}
	return strings.Join(n.words()[2:], " ")
}

// id is as Signature makes it, of what the place is called now.
func (n *node) id() string {
	w := n.words()
	return signatureID(w[0], w[1], []byte(n.path()))
}
