package drift

import "math"

// A Rate says whether a bad outcome has become more frequent: errors, content
// filters, answers cut off. Such outcomes are too rare to move PSI or the gap: from
// one answer in a thousand to one in a hundred is ten times worse and a gap of
// 0.009. So they have a rule of their own, on the ratio of the two shares.
//
// The test is exact: of two Poisson counts with the same rate, the later, given
// their sum, is binomial with share m/(n+m) (Przyborowski and Wilenski 1940). Where
// the outcome is not rare the counts vary less than that, and the test is cautious.
// The interval is that of the binomial share (Clopper and Pearson 1934) turned
// into a ratio.
type Rate struct {
	Label     string
	State     State   // OK, Insufficient, NoReference, NoCurrent or NoData
	Ref, Cur  float64 // share of bad outcomes, 0..1
	Ratio     float64 // Cur/Ref, 0..∞; 1 when there was none in either
	Low, High float64 // 95 % interval of the ratio; High may be +Inf
	P         float64 // two-sided, twice the smaller tail, at most 1
	Adjusted  float64 // P after Holm over everything judged together; P itself when alone
	Limit     float64 // share that ordinary windows reach; NaN: too few windows to say
	Level     Level
}

// CompareRates compares refBad of refN outcomes with curBad of curN. Counts may be
// fractional; what is no count is 0, and there are never more bad ones than all.
// The level is that of one comparison alone, by the default options.
func CompareRates(refBad, refN, curBad, curN float64) Rate {
	refN, curN = count(refN), count(curN)
	refBad, curBad = min(count(refBad), refN), min(count(curBad), curN)
	r := Rate{P: 1, Ratio: 1, High: math.Inf(1), Limit: math.NaN(), State: OK}
	switch {
	case refN <= 0 && curN <= 0:
		r.State = NoData
	case refN <= 0:
		r.State = NoReference
	case curN <= 0:
		r.State = NoCurrent
	case min(refN, curN) < MinN:
		r.State = Insufficient
	}
	if refN > 0 && curN > 0 {
		r.measure(refBad, refN, curBad, curN)
	}
	r.Adjusted = r.P
	r.Level = Options{}.withDefaults().rateLevel(r)
	return r
}

func (r *Rate) measure(refBad, refN, curBad, curN float64) {
	r.Ref, r.Cur = refBad/refN, curBad/curN
	switch {
	case refBad > 0:
		r.Ratio = r.Cur / r.Ref
	case curBad > 0:
		r.Ratio = math.Inf(1)
	default:
		return
	}
	r.P = cellP(pair{refBad, curBad}, refN, curN)
	ratio := func(share, rest float64) float64 { return share / rest * (refN / curN) }
	if curBad > 0 { // the share at which as many or more would be seen once in forty times
		x := betaQuantile(0.025, curBad, refBad+1)
		r.Low = ratio(x, 1-x)
	}
	if refBad > 0 {
		x := betaQuantile(0.025, refBad, curBad+1) // of the other window, where the digits are
		r.High = ratio(1-x, x)
	}
}

// betaQuantile is the x at which I_x(a, b) = p, by bisection; a, b > 0.
func betaQuantile(p, a, b float64) float64 {
	low, high := 0.0, 1.0
	for range 60 {
		x := (low + high) / 2
		if betaInc(a, b, x, 1-x) < p {
			low = x
		} else {
			high = x
		}
	}
	return (low + high) / 2
}

// rateLevel judges a rate by its adjusted p: it must have grown for certain, by a
// factor and by a share of all outcomes that matter, and beyond what ordinary
// windows reach. That it shrank is small news.
func (o Options) rateLevel(r Rate) Level {
	const slack = 1e-9
	grew := r.Cur - r.Ref
	switch {
	case r.State != OK:
		return Level(r.State)
	case r.Adjusted > o.Alpha:
		return LevelOK
	case r.Cur <= r.Limit: // never while Limit is NaN
		return LevelSmall
	case r.Ratio >= o.RateCritical-slack && grew >= o.ExcessCritical-slack:
		return LevelCritical
	case r.Ratio >= o.RateWarn-slack && grew >= o.ExcessWarn-slack:
		return LevelWarn
	}
	return LevelSmall
}

// rates compares the share of each bad label now with all reference windows
// together, and with each of them for what is ordinary. Layouts are those of b,
// window 0 is the current one.
func (b bundle) rates(bad []string) []Rate {
	if len(bad) == 0 || b.bounds != nil {
		return nil
	}
	rates := make([]Rate, len(bad))
	for i, label := range bad {
		at := -1
		for k, l := range b.labels {
			if l == label {
				at = k
			}
		}
		of := func(counts []float64) float64 {
			if at < 0 || counts == nil {
				return 0
			}
			return counts[at]
		}
		var refBad, refN float64
		var roots []float64
		for _, counts := range b.counts[1:] {
			n := added(counts)
			refBad, refN = refBad+of(counts), refN+n
			if n >= MinN {
				roots = append(roots, math.Sqrt(of(counts)/n)) // of a count the root varies evenly
			}
		}
		rates[i] = CompareRates(refBad, refN, of(b.counts[0]), added(b.counts[0]))
		rates[i].Label = label
		if len(roots) >= MinBand {
			limit := predictionLimit(roots)
			rates[i].Limit = limit * limit
		}
	}
	return rates
}
