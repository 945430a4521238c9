package prom

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// template is the text of an annotation or a label: the part of Go's template
// language that alert rules are written in. {{ $labels.NAME }} and {{ $value }},
// the latter also through humanize, humanizePercentage, humanizeDuration or
// printf "…". Anything else is refused when it is read, not when it is shown.
type template []piece

// piece is literal text, or a function of one alert.
type piece struct {
	text   string
	expand func(ls labels.Labels, v float64) string // nil for literal text
	value  bool                                     // it shows $value
}

func parseTemplate(text string) (template, error) {
	var t template
	for text != "" {
		before, rest, opened := strings.Cut(text, "{{")
		if before != "" {
			t = append(t, piece{text: before})
		}
		if !opened {
			break
		}
		action, after, closed := strings.Cut(rest, "}}")
		if !closed {
			return nil, fmt.Errorf("%q is not closed with }}", "{{"+rest)
		}
		p, err := parseAction(strings.TrimSpace(action))
		if err != nil {
			return nil, err
		}
		t, text = append(t, p), after
	}
	return t, nil
}

func parseAction(action string) (piece, error) {
	operand, function, piped := strings.Cut(action, "|")
	operand, function = strings.TrimSpace(operand), strings.TrimSpace(function)
	if name, ok := strings.CutPrefix(operand, "$labels."); ok && !piped && name != "" {
		return piece{expand: func(ls labels.Labels, _ float64) string { return ls.Get(name) }}, nil
	}
	if operand == "$value" {
		if format := formatter(function); format != nil {
			return piece{expand: func(_ labels.Labels, v float64) string { return format(v) }, value: true}, nil
		}
	}
	return piece{}, fmt.Errorf("cannot read {{ %s }}; there are $labels.NAME and $value, with humanize, humanizePercentage, humanizeDuration or printf \"…\" behind a |", action)
}

// formatter finds the function of that name, nil when there is none.
func formatter(name string) func(float64) string {
	switch name {
	case "":
		return func(v float64) string { return fmt.Sprint(v) }
	case "humanize":
		return humanize
	case "humanizePercentage":
		return func(v float64) string { return fmt.Sprintf("%.4g%%", v*100) }
	case "humanizeDuration":
		return humanizeDuration
	}
	if quoted, ok := strings.CutPrefix(name, "printf "); ok {
		if format, err := strconv.Unquote(strings.TrimSpace(quoted)); err == nil {
			return func(v float64) string { return fmt.Sprintf(format, v) }
		}
	}
	return nil
}

func (t template) expand(ls labels.Labels, v float64) string {
	var b strings.Builder
	for _, p := range t {
		if p.expand != nil {
			b.WriteString(p.expand(ls, v))
		} else {
			b.WriteString(p.text)
		}
	}
	return b.String()
}

// showsValue says whether the text changes with the value of the alert.
func (t template) showsValue() bool {
	for _, p := range t {
		if p.value {
			return true
		}
	}
	return false
}

// humanize writes four digits and an SI prefix: 1234567 is 1.235M.
func humanize(v float64) string {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Sprintf("%.4g", v)
	}
	prefix := ""
	if math.Abs(v) >= 1 {
		for _, p := range []string{"k", "M", "G", "T", "P", "E", "Z", "Y"} {
			if math.Abs(v) < 1000 {
				break
			}
			prefix, v = p, v/1000
		}
	} else {
		for _, p := range []string{"m", "u", "n", "p", "f", "a", "z", "y"} {
			if math.Abs(v) >= 1 {
				break
			}
			prefix, v = p, v*1000
		}
	}
	return fmt.Sprintf("%.4g%s", v, prefix)
}

// humanizeDuration writes seconds as 1d 2h 3m 4s, or 12.5ms below one.
func humanizeDuration(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Sprintf("%.4g", v)
	}
	if v == 0 {
		return "0s"
	}
	if math.Abs(v) < 1 {
		return humanize(v) + "s"
	}
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	total := int64(v)
	days, hours, minutes, seconds := total/86400, total/3600%24, total/60%60, total%60
	switch {
	case days != 0:
		return fmt.Sprintf("%s%dd %dh %dm %ds", sign, days, hours, minutes, seconds)
	case hours != 0:
		return fmt.Sprintf("%s%dh %dm %ds", sign, hours, minutes, seconds)
	case minutes != 0:
		return fmt.Sprintf("%s%dm %ds", sign, minutes, seconds)
	}
	return fmt.Sprintf("%s%.4gs", sign, v) // below a minute the fraction counts
}
