package drift

import "math"

// The distribution functions the tests need. The standard library has the gamma
// function and erfc; what is here is built on them.

const (
	tiny     = 1e-300 // keeps Lentz's recurrences away from 0
	accuracy = 1e-16
	rounds   = 100_000 // bounds every loop; windows of 10⁹ need about 10⁴
)

// chi2Tail is P(X ≥ x) of χ² with df ≥ 1 degrees of freedom: Q(df/2, x/2).
func chi2Tail(x float64, df int) float64 {
	if x <= 0 {
		return 1
	}
	if df == 1 {
		return math.Erfc(math.Sqrt(x / 2))
	}
	return gammaTail(float64(df)/2, x/2)
}

// gammaTail is the regularised upper incomplete gamma function Q(a, x).
func gammaTail(a, x float64) float64 {
	lg, _ := math.Lgamma(a)
	front := math.Exp(a*math.Log(x) - x - lg)
	if x < a+1 {
		return max(0, 1-front*gammaSeries(a, x))
	}
	return front * gammaFraction(a, x)
}

// gammaSeries is P(a, x) without its front factor.
func gammaSeries(a, x float64) float64 {
	term := 1 / a
	sum := term
	for i := 1; i < rounds && term > sum*accuracy; i++ {
		term *= x / (a + float64(i))
		sum += term
	}
	return sum
}

// gammaFraction is Q(a, x) without its front factor, by Lentz's method.
func gammaFraction(a, x float64) float64 {
	b := x + 1 - a
	c, d := 1/tiny, 1/b
	h := d
	for i := 1; i < rounds; i++ {
		step := -float64(i) * (float64(i) - a)
		b += 2
		d = 1 / away(step*d+b)
		c = away(b + step/c)
		h *= c * d
		if math.Abs(c*d-1) < accuracy*4 {
			break
		}
	}
	return h
}

// away moves a value off zero.
func away(v float64) float64 {
	if math.Abs(v) < tiny {
		return tiny
	}
	return v
}

// betaInc is the regularised incomplete beta function I_x(a, b), 0 < x < 1. It
// takes y = 1−x too, because the caller knows both to full precision.
func betaInc(a, b, x, y float64) float64 {
	switch {
	case a <= 0:
		return 1
	case b <= 0:
		return 0
	}
	// x^a (1−x)^b / B(a,b), through the binomial so that large a and b do not
	// cancel: three Lgamma would lose nine digits at 10⁹.
	front := math.Exp(logBinomial(a, b, x, y)) * a * b / (a + b)
	if x > (a+1)/(a+b+2) {
		return 1 - front*betaFraction(b, a, y)/b
	}
	return front * betaFraction(a, b, x) / a
}

// betaFraction is the continued fraction of I_x(a, b), by Lentz's method.
func betaFraction(a, b, x float64) float64 {
	c, d := 1.0, 1/away(1-(a+b)*x/(a+1))
	h := d
	for i := 1; i < rounds; i++ {
		m := float64(i)
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d = 1 / away(1+even*d)
		c = away(1 + even/c)
		h *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d = 1 / away(1+odd*d)
		c = away(1 + odd/c)
		h *= d * c
		if math.Abs(d*c-1) < accuracy*4 {
			break
		}
	}
	return h
}

// logBinomial is the logarithm of Γ(k+l+1)/(Γ(k+1)Γ(l+1)) f^k g^l for real
// k, l ≥ 0 and g = 1−f, by Loader's saddle point: it keeps its digits for any size.
func logBinomial(k, l, f, g float64) float64 {
	n := k + l
	switch {
	case k <= 0:
		return l * logShare(g, f)
	case l <= 0:
		return k * logShare(f, g)
	}
	deviance := n*f*entropy((k-n*f)/(n*f)) + n*g*entropy((l-n*g)/(n*g))
	return stirlingRest(n) - stirlingRest(k) - stirlingRest(l) - deviance + 0.5*(math.Log(n/(2*math.Pi*k))-math.Log(l))
}

// logShare is ln f, from whichever of f and 1−f is small and so has its digits.
func logShare(f, rest float64) float64 {
	if rest < 0.5 {
		return math.Log1p(-rest)
	}
	return math.Log(f)
}

// stirlingRest is ln Γ(n+1) − (n ln n − n + ½ ln 2πn) for n > 0.
func stirlingRest(n float64) float64 {
	if n < 16 {
		lg, _ := math.Lgamma(n + 1)
		return lg - (n+0.5)*math.Log(n) + n - 0.5*math.Log(2*math.Pi)
	}
	q := 1 / (n * n)
	return (1./12 - q*(1./360-q*(1./1260-q*(1./1680-q*(1./1188-q*(691./360360)))))) / n
}

// kolmogorovTail is P(K ≥ x) of Kolmogorov's limiting distribution.
func kolmogorovTail(x float64) float64 {
	if x <= 0 {
		return 1
	}
	if x < 1 { // the theta function's other form converges here
		var sum float64
		for j := 1; j <= 9; j += 2 {
			sum += math.Exp(-float64(j*j) * math.Pi * math.Pi / (8 * x * x))
		}
		return 1 - math.Sqrt(2*math.Pi)/x*sum
	}
	var sum float64
	sign := 1.0
	for j := 1; j <= 12; j++ {
		sum += sign * math.Exp(-2*float64(j*j)*x*x)
		sign = -sign
	}
	return 2 * sum
}
