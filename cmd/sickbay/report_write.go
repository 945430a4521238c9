package main

import (
	"cmp"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
)

// markdown writes the report as CommonMark. Outside text cannot become markup.
func (r *report) markdown(to io.Writer) error {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Handover, %s\n", clock(r.At))
	line("From %s on%s. Written by sickbay; secrets and personal data that have a form are masked.", clock(r.Since), prefixed(", only ", plain(r.Service)))
	for _, v := range r.Services {
		r.serviceMarkdown(line, v)
	}
	if len(r.Well) > 0 {
		line("\n## Well\n\n%s", plain(strings.Join(r.Well, ", ")))
	}
	events := func(title string, all []reportEvent) {
		if len(all) == 0 {
			return
		}
		line("\n## %s\n\n| when | what | service | text | by |\n|---|---|---|---|---|", title)
		for _, e := range all {
			line("| %s | %s | %s | %s | %s |", e.At.Format("01-02 15:04:05"), plain(e.What), plain(e.Service), plain(e.Text), plain(e.By))
		}
	}
	events("Timeline (UTC)", r.Timeline)
	if len(r.Failures) > 0 {
		line("\n## Failures\n\n| state | times | service | what | in common |\n|---|---|---|---|---|")
		for _, f := range r.Failures {
			line("| %s | %d | %s | %s | %s |", plain(f.State), f.Count, plain(f.Service), plain(f.Text), plain(strings.Join(f.InCommon, "; ")))
		}
	}
	events("Alerts", r.Alerts)
	events("Done (journal)", r.Actions)
	if len(r.Open) > 0 {
		line("\n## Open questions\n")
		for _, q := range r.Open {
			line("- %s", plain(q))
		}
	}
	_, err := io.WriteString(to, b.String())
	return err
}

func (r *report) serviceMarkdown(line func(string, ...any), v reportService) {
	since := ""
	if v.Since != nil {
		since = " since " + clock(*v.Since)
	}
	line("\n## %s is %s%s\n", plain(v.Name), v.Status, since)
	line("%s%s\n", plain(v.Kind), prefixed(", runs ", plain(v.Version)))
	for _, f := range v.Reasons {
		line("- %s", plain(f))
	}
	if len(v.Suspects) > 0 {
		line("\nSuspects:\n")
	}
	for i, s := range v.Suspects {
		if s.RuledOut != "" {
			line("%d. ~~%s~~: %s", i+1, plain(s.Text), plain(s.RuledOut))
			continue
		}
		line("%d. **%s** %s (%+.1f)", i+1, plain(s.Label), plain(s.Text), s.Score)
		for _, e := range s.Evidence {
			line("   - %s", plain(e))
		}
	}
	if len(v.Charts) > 0 {
		line("\n```")
		for _, c := range v.Charts {
			line("%-34s %s  %s%s", strings.ReplaceAll(c.Title, "`", "'"), c.line, c.Now, prefixed(", limit ", c.Limit))
		}
		line("```")
	}
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// markup is what CommonMark and its tables take for more than text.
var markup = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "&", "&amp;",
	"|", `\|`, "#", `\#`, "~", `\~`, "!", `\!`, "\n", " ", "\r", " ",
)

func plain(s string) string { return markup.Replace(s) }

// bounds are the least and the greatest value; the limit belongs to the picture.
func (c reportChart) bounds() (low, high float64) {
	var all []float64
	for _, p := range c.Points {
		if p != nil {
			all = append(all, *p)
		}
	}
	if len(all) == 0 {
		return 0, 1
	}
	low, high = slices.Min(all), slices.Max(all)
	return min(low, 0), cmp.Or(max(high, 0), 1)
}

const (
	svgWidth  = 360
	svgHeight = 48
)

// Lines are the points as polylines of an SVG, one for each stretch without a hole.
func (c reportChart) Lines() []string {
	low, high := c.bounds()
	if c.limit != nil {
		high = max(high, *c.limit)
	}
	var all []string
	var b strings.Builder
	for i, p := range c.Points {
		if p == nil {
			if b.Len() > 0 {
				all = append(all, b.String())
				b.Reset()
			}
			continue
		}
		fmt.Fprintf(&b, "%.1f,%.1f ", float64(i)*svgWidth/(reportSlices-1), svgHeight-(*p-low)/(high-low)*svgHeight)
	}
	if b.Len() > 0 {
		all = append(all, b.String())
	}
	return all
}

// LimitAt is how far down the limit is drawn; negative: there is none.
func (c reportChart) LimitAt() float64 {
	if c.limit == nil {
		return -1
	}
	low, high := c.bounds()
	high = max(high, *c.limit)
	return svgHeight - (*c.limit-low)/(high-low)*svgHeight
}

// html writes the report as one page that needs nothing else.
func (r *report) html(to io.Writer) error {
	return page.Execute(to, struct {
		*report
		W, H int
	}{r, svgWidth, svgHeight})
}

var page = template.Must(template.New("report").Funcs(template.FuncMap{"clock": clock}).Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Handover, {{clock .At}}</title>
<style>
body{font:15px/1.5 system-ui,sans-serif;max-width:62em;margin:2em auto;padding:0 1em;color:#1c1f24;background:#fff}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #d5d9e0;padding:.25em .6em;text-align:left;vertical-align:top}
.critical{color:#b3261e}.warn{color:#8a5a00}.ok{color:#1b6e3a}.unknown{color:#5b6470}
svg{background:#f5f6f8}polyline{fill:none;stroke:#2d5fb3;stroke-width:1.5}.limit{stroke:#b3261e;stroke-dasharray:4 3}
figure{display:inline-block;margin:.4em 1em .4em 0}figcaption{font-size:13px}
@media(prefers-color-scheme:dark){body{color:#dfe3ea;background:#14171b}td,th{border-color:#333a44}svg{background:#1d2229}.critical{color:#ff8a80}.warn{color:#ffc266}.ok{color:#7fd39b}polyline{stroke:#8ab4f8}}
</style></head><body>
<h1>Handover</h1>
<p>{{clock .At}}, from {{clock .Since}} on{{with .Service}}, only {{.}}{{end}}. Written by sickbay; secrets and personal data that have a form are masked.</p>
{{range .Services}}<h2>{{.Name}} is <span class="{{.Status}}">{{.Status}}</span>{{with .Since}} since {{clock .}}{{end}}</h2>
<p>{{.Kind}}{{with .Version}}, runs {{.}}{{end}}</p>
<ul>{{range .Reasons}}<li>{{.}}</li>{{end}}</ul>
{{if .Suspects}}<h3>Suspects</h3><ol>{{range .Suspects}}<li>{{if .RuledOut}}<s>{{.Text}}</s>: {{.RuledOut}}{{else}}<b>{{.Label}}</b> {{.Text}} ({{printf "%+.1f" .Score}})<ul>{{range .Evidence}}<li>{{.}}</li>{{end}}</ul>{{end}}</li>{{end}}</ol>{{end}}
{{range .Charts}}<figure><svg width="{{$.W}}" height="{{$.H}}" viewBox="0 0 {{$.W}} {{$.H}}" role="img">{{range .Lines}}<polyline points="{{.}}"/>{{end}}{{$y := .LimitAt}}{{if ge $y 0.0}}<line class="limit" x1="0" x2="{{$.W}}" y1="{{printf "%.1f" $y}}" y2="{{printf "%.1f" $y}}"/>{{end}}</svg><figcaption>{{.Title}} {{.Now}}{{with .Limit}}, limit {{.}}{{end}}</figcaption></figure>{{end}}
{{end}}{{with .Well}}<h2>Well</h2><p>{{range $i, $s := .}}{{if $i}}, {{end}}{{$s}}{{end}}</p>{{end}}
{{define "events"}}<table><tr><th>when</th><th>what</th><th>service</th><th>text</th><th>by</th></tr>{{range .}}<tr><td>{{.At.Format "01-02 15:04:05"}}</td><td>{{.What}}</td><td>{{.Service}}</td><td>{{.Text}}</td><td>{{.By}}</td></tr>{{end}}</table>{{end}}
{{with .Timeline}}<h2>Timeline (UTC)</h2>{{template "events" .}}{{end}}
{{with .Failures}}<h2>Failures</h2><table><tr><th>state</th><th>times</th><th>service</th><th>what</th><th>in common</th></tr>{{range .}}<tr><td>{{.State}}</td><td>{{.Count}}</td><td>{{.Service}}</td><td>{{.Text}}</td><td>{{range .InCommon}}{{.}}<br>{{end}}</td></tr>{{end}}</table>{{end}}
{{with .Alerts}}<h2>Alerts</h2>{{template "events" .}}{{end}}
{{with .Actions}}<h2>Done (journal)</h2>{{template "events" .}}{{end}}
{{with .Open}}<h2>Open questions</h2><ul>{{range .}}<li>{{.}}</li>{{end}}</ul>{{end}}
</body></html>
`))
