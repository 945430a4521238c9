package demo

import "fmt"

// predict fills a request to a classic model.
func (w *scribe) predict(s *service, b *behaviour, r *record) {
	r.Provider, r.RequestModel = s.provider, s.model
	r.Features = make(values, len(b.Features))
	missing := ""
	for _, f := range b.Features {
		if w.chance(f.Nulls) {
			r.Features[f.Name] = nil
			missing = f.Name
			continue
		}
		v := round(f.Values.draw(w.rng), 3)
		r.Features[f.Name] = &v
	}
	r.Score = round(b.Scores.draw(w.rng), 4)
	r.Prediction = w.class(b.Classes)
	if r.Prediction == "" {
		r.Prediction = fmt.Sprintf("%.3f", r.Score)
	}
	subject := w.digits(s.voice.subject)
	switch {
	case w.chance(b.Errors):
		w.broken(r, subject)
	case missing != "":
		r.fail("warn", "feature_missing", 200, fmt.Sprintf("feature %s is null for %s, default used", missing, subject))
	}
}

func (w *scribe) class(of []class) string {
	if len(of) == 0 {
		return ""
	}
	u := w.rng.Float64()
	for _, c := range of {
		if u -= c.Share; u < 0 {
			return c.Name
		}
	}
	return of[len(of)-1].Name
}

// broken is one of the failures every such model knows.
func (w *scribe) broken(r *record, subject string) {
	r.Prediction, r.Score = "", 0
	if w.chance(0.7) {
		r.Duration = round(0.25+0.01*w.rng.Float64(), 4)
		r.fail("error", "timeout", 504, fmt.Sprintf("feature store did not answer for %s within 250 ms (shard %d)", subject, w.rng.IntN(32)))
		return
	}
	r.fail("error", "invalid_input", 400, fmt.Sprintf("cannot parse request of %s: unexpected end of JSON at offset %d", subject, w.rng.IntN(900)))
}
