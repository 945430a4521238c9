package drift

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// bound is a number in JSON, or "+Inf".
type bound float64

func (b *bound) UnmarshalJSON(raw []byte) error {
	v, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	*b = bound(v)
	return err
}

func floats(bs []bound) []float64 {
	if bs == nil {
		return nil
	}
	out := make([]float64, len(bs))
	for i, b := range bs {
		out[i] = float64(b)
	}
	return out
}

type vector struct {
	Name       string
	Kind       string
	Bounds     []bound `json:"upper_bounds"`
	CurBounds  []bound `json:"current_upper_bounds"`
	Categories []string
	Reference  []float64
	Current    []float64
	Expected   map[string]any
}

// cells makes the two distributions; categories that a vector does not name are
// numbered.
func (v vector) cells() (ref, cur Cells) {
	ref, cur = Cells{Counts: v.Reference}, Cells{Counts: v.Current}
	if v.Kind == "histogram" {
		ref.Bounds, cur.Bounds = floats(v.Bounds), floats(v.Bounds)
		if v.CurBounds != nil {
			cur.Bounds = floats(v.CurBounds)
		}
		return ref, cur
	}
	labels := v.Categories
	for i := len(labels); i < len(v.Reference); i++ {
		labels = append(labels, "category "+strconv.Itoa(i))
	}
	ref.Labels, cur.Labels = labels, labels
	return ref, cur
}

// TestReferenceVectors compares every number with those of an independent
// implementation checked to 60 digits. SICKBAY_DRIFT_VECTORS=FILE tries others, of
// comparisons, of the functions below them, or of both.
func TestReferenceVectors(t *testing.T) {
	paths := []string{"testdata/vectors.json", "testdata/aux_vectors.json"}
	if other := os.Getenv("SICKBAY_DRIFT_VECTORS"); other != "" {
		paths = []string{other}
	}
	for _, path := range paths {
		var file struct {
			Cases []vector
			auxiliary
		}
		load(t, path, &file)
		compared := file.compare(t)
		for _, v := range file.Cases {
			t.Run(v.Name, func(t *testing.T) {
				compared += compareWith(t, v)
			})
		}
		if compared == 0 {
			t.Errorf("%s: nothing to compare", path)
		}
		t.Logf("%s: %d cases, %d numbers compared", path, len(file.Cases), compared)
	}
}

func compareWith(t *testing.T, v vector) int {
	t.Helper()
	r := Compare(v.cells())
	words := map[string]string{
		"status":   string(r.State),
		"level_1":  strings.Replace(string(levelAmong(r, 1)), "critical", "crit", 1),
		"level_50": strings.Replace(string(levelAmong(r, 50)), "critical", "crit", 1),
	}
	got := numbers(r)
	for key, want := range v.Expected {
		switch want := want.(type) {
		case string:
			if words[key] != want {
				t.Errorf("%s = %q, want %q", key, words[key], want)
			}
		case float64:
			value, known := got[key]
			if !known {
				t.Errorf("the vectors speak of %q, which is not compared", key)
			} else if !near(key, value, want) {
				t.Errorf("%s = %.17g, want %.17g", key, value, want)
			}
		case nil:
			if value, known := got[key]; !known || !math.IsNaN(value) {
				t.Errorf("%s = %v, want NaN", key, value)
			}
		case []any:
			if len(r.Parts.Components) != len(want) {
				t.Fatalf("%d components, want %d", len(r.Parts.Components), len(want))
			}
			for i, w := range want {
				if !near(key, r.Parts.Components[i], w.(float64)) {
					t.Errorf("%s[%d] = %v, want %v", key, i, r.Parts.Components[i], w)
				}
			}
		}
	}
	return len(v.Expected)
}

// levelAmong is the level r gets as the most significant of f results.
func levelAmong(r Result, f int) Level {
	if r.State != OK {
		return Level(r.State)
	}
	return Options{}.withDefaults().level(r, r.P*float64(f))
}

// numbers gives the fields the names they have in the vectors.
func numbers(r Result) map[string]float64 {
	d, p := r.Detail, r.Parts
	return map[string]float64{
		"n_ref": r.NRef, "n_cur": r.NCur, "cells": float64(r.Cells), "common_bounds": 0,
		"psi": r.PSI, "psi_adj": r.PSIAdj, "psi_cells": float64(r.PSICells), "psi_lo": r.Low, "psi_hi": r.High, "gap": r.Gap, "p": r.P,
		"pooled_cells": float64(p.PooledCells), "p_chi2_pooled": p.Chi2Pooled, "p_cells": p.Cells, "p_loc": p.Location, "p_shape": p.Shape,
		"psi_evidently": d.PSIEvidently, "kl_evidently": d.KLEvidently, "psi_half": d.PSIHalf,
		"js_divergence": d.JS, "js_divergence_nats": d.JSNats, "js_distance": d.JSDistance, "js_distance_nats": d.JSDistNats,
		"hellinger": d.Hellinger, "tvd": d.TVD, "linf": d.LInf,
		"chi2": d.Chi2, "chi2_df": float64(d.Chi2DF), "chi2_p": d.Chi2P, "g": d.G, "g_p": d.GP,
		"ks": d.KS, "ks_upper": d.KSUpper, "ks_p": d.KSP, "wasserstein": d.W1, "wasserstein_norm": d.W1Norm,
		"overflow_ref": d.OverflowRef, "overflow_cur": d.OverflowCur,
	}
}

// near applies the tolerances the vectors ask for.
func near(key string, got, want float64) bool {
	relative, absolute := 1e-9, 1e-12
	switch {
	case key == "common_bounds":
		return true // how many there were matters to nobody: the state says it
	case key == "js_distance" || key == "js_distance_nats" || key == "hellinger":
		absolute = 1e-7 // roots of what is nearly nothing
		if want > 1e-6 {
			absolute = 0
		}
	case key == "p" || strings.HasPrefix(key, "p_") || strings.HasSuffix(key, "_p"):
		if want <= 1e-280 {
			return got <= 1e-280
		}
		relative, absolute = 1e-8, 0
	}
	return math.Abs(got-want) <= max(absolute, relative*math.Abs(want))
}

func load(t *testing.T, path string, into any) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// auxiliary are vectors of the functions comparisons are made of.
type auxiliary struct {
	Holm, BH []struct {
		P, Adjusted []float64
	}
	Cauchy []struct {
		P        []float64
		Combined float64
	}
	Chi2    [][3]float64 `json:"chi2_sf"`
	BetaInc [][4]float64
	Native  []struct {
		Name      string
		RefBucket [][4]json.RawMessage `json:"reference_buckets"`
		CurBucket [][4]json.RawMessage `json:"current_buckets"`
		Bounds    []bound              `json:"upper_bounds"`
		Reference []float64
		Current   []float64
	} `json:"native_align"`
}

func (a auxiliary) compare(t *testing.T) (compared int) {
	t.Helper()
	close := func(what string, got, want float64) {
		t.Helper()
		compared++
		if want <= 1e-280 && got <= 1e-280 {
			return
		}
		if !(math.Abs(got-want) <= 1e-10*math.Abs(want)) {
			t.Errorf("%s = %.17g, want %.17g", what, got, want)
		}
	}
	for _, c := range a.Holm {
		for i, got := range Holm(c.P) {
			close("Holm", got, c.Adjusted[i])
		}
	}
	for _, c := range a.BH {
		for i, got := range BenjaminiHochberg(c.P) {
			close("BenjaminiHochberg", got, c.Adjusted[i])
		}
	}
	for _, c := range a.Cauchy {
		close("cauchy", cauchy(c.P...), c.Combined)
	}
	for _, c := range a.Chi2 {
		close("chi2Tail", chi2Tail(c[0], int(c[1])), c[2])
	}
	for _, c := range a.BetaInc {
		close("betaInc", betaInc(c[0], c[1], c[2], 1-c[2]), c[3])
	}
	for _, c := range a.Native {
		ref, cur := FromNative(buckets(t, c.RefBucket), buckets(t, c.CurBucket))
		same(t, c.Name+": bounds", ref.Bounds, floats(c.Bounds))
		same(t, c.Name+": reference", ref.Counts, c.Reference)
		same(t, c.Name+": current", cur.Counts, c.Current)
		compared += len(c.Bounds)
	}
	return compared
}

func buckets(t *testing.T, raw [][4]json.RawMessage) []Bucket {
	t.Helper()
	var out []Bucket
	for _, r := range raw {
		var v [3]bound
		for i := range v {
			if err := json.Unmarshal(r[i+1], &v[i]); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, Bucket{float64(v[0]), float64(v[1]), float64(v[2])})
	}
	return out
}

func same(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s = %v, want %v", what, got, want)
		return
	}
	for i := range got {
		if got[i] != want[i] && math.Abs(got[i]-want[i]) > 1e-12*math.Abs(want[i]) {
			t.Errorf("%s = %v, want %v", what, got, want)
			return
		}
	}
}
