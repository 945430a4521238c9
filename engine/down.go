package engine

// down are the sources that do not answer now, by name. Of another moment nobody
// asks whether they do: what is known of it stays known.
func (e *Engine) down(m moment) map[string]bool {
	down := map[string]bool{}
	for _, a := range e.asked {
		if m.IsZero() && a.down {
			down[a.state.Name] = true
		}
	}
	return down
}
