package health

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// A Silence keeps alerts from calling anybody for a while.
type Silence struct {
	ID       string
	State    string // "active", "pending", "expired"
	Matchers []Matcher
	Starts   time.Time
	Ends     time.Time
	By       string
	Comment  string
	Source   string // who keeps it
}

// A Matcher says which alerts are meant: those whose label has, or has not, a value,
// or one that an RE2 expression matches from end to end.
type Matcher struct {
	Name, Value string
	Regex       bool
	Not         bool
}

// String is the matcher as Alertmanager writes it: severity=~"warn|page".
func (m Matcher) String() string {
	op := map[[2]bool]string{{false, false}: "=", {false, true}: "!=", {true, false}: "=~", {true, true}: "!~"}[[2]bool{m.Regex, m.Not}]
	return fmt.Sprintf("%s%s%q", m.Name, op, m.Value)
}

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// MaxSilence is how long a silence may last: what is silent for longer is forgotten.
const MaxSilence = 30 * 24 * time.Hour

// Check says what is wrong with a silence before anybody is asked to keep it: who,
// why, how long and what it is about have to be said, and it must not be about
// everything.
func (s Silence) Check() error {
	switch {
	case strings.TrimSpace(s.Comment) == "":
		return errors.New("a silence needs a comment: why nobody has to be called")
	case strings.TrimSpace(s.By) == "":
		return errors.New("a silence needs a name: who made it")
	case !s.Ends.After(s.Starts):
		return errors.New("a silence has to end after it begins")
	case s.Ends.Sub(s.Starts) > MaxSilence:
		return fmt.Errorf("a silence of %s is forgotten before it ends; at most %s", Ago(s.Ends.Sub(s.Starts)), Ago(MaxSilence))
	case len(s.Matchers) == 0:
		return errors.New("a silence needs a matcher: which alerts it is about")
	}
	narrow := false
	for _, m := range s.Matchers {
		if !labelName.MatchString(m.Name) {
			return fmt.Errorf("%q is not the name of a label", m.Name)
		}
		empty := m.Value == ""
		if m.Regex {
			re, err := regexp.Compile("^(?:" + m.Value + ")$")
			if err != nil {
				return fmt.Errorf("%s: %w", m, err)
			}
			empty = re.MatchString("")
		}
		narrow = narrow || empty == m.Not
	}
	if !narrow {
		return errors.New("the matchers are about alerts that lack a label, which is all of them; name one they have")
	}
	return nil
}
