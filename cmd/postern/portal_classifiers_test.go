package main

import (
	"math"
	"slices"
	"testing"
)

// timingBound is how well two classes may be told apart by so many samples of each: 0.55 where there are 2,000, and
// wider by as much as fewer of them are scattered by chance.
func timingBound(samples int) float64 {
	return max(0.55, 0.5+5*math.Sqrt(float64(2*samples+1)/float64(12*samples*samples)))
}

// rankAUC is how well the best threshold tells two classes apart: 0.5 for not at all, 1 for always.
func rankAUC(a, b []float64) float64 {
	wins := 0.0
	for _, x := range a {
		for _, y := range b {
			switch {
			case x < y:
				wins++
			case x == y:
				wins += 0.5
			}
		}
	}
	auc := wins / float64(len(a)*len(b))
	return max(auc, 1-auc)
}

// learned is the AUC of a classifier that learns from one half how often each class takes a time of each stretch, and
// is tried on the other: it finds differences that no threshold does.
func learned(a, b []float64) float64 {
	const stretches = 8
	half := func(of []float64, odd int) (part []float64) {
		for i := odd; i < len(of); i += 2 {
			part = append(part, of[i])
		}
		return part
	}
	train := slices.Sorted(slices.Values(append(half(a, 0), half(b, 0)...)))
	stretch := func(x float64) int {
		at, _ := slices.BinarySearch(train, x)
		return min(at*stretches/len(train), stretches-1)
	}
	var odds [stretches]float64
	for _, x := range half(a, 0) {
		odds[stretch(x)]++
	}
	for _, x := range half(b, 0) {
		odds[stretch(x)]--
	}
	score := func(of []float64) (scores []float64) {
		for _, x := range of {
			scores = append(scores, odds[stretch(x)])
		}
		return scores
	}
	// What was learned may be chance: it counts only the way that it was learned.
	wins := 0.0
	tried, others := score(half(a, 1)), score(half(b, 1))
	for _, x := range tried {
		for _, y := range others {
			switch {
			case x > y:
				wins++
			case x == y:
				wins += 0.5
			}
		}
	}
	return max(wins/float64(len(tried)*len(others)), 0.5)
}

// The classifiers find what is there to be found.
func TestT51ClassifiersTellWhatDiffers(t *testing.T) {
	var same, other, wide []float64
	for i := range 400 {
		x := float64((i*7919)%400) / 400
		same, other = append(same, x), append(other, x+0.25)
		wide = append(wide, 0.5+(x-0.5)/4) // with the same middle
	}
	if auc := rankAUC(same, other); auc < 0.7 {
		t.Errorf("a shift has a rank AUC of %.3f", auc)
	}
	if auc := learned(same, wide); auc < 0.7 {
		t.Errorf("a spread has a learned AUC of %.3f", auc)
	}
	if rank, guess := rankAUC(same, slices.Clone(same)), learned(same, same); rank > 0.51 || guess > 0.58 {
		t.Errorf("nothing differs, and the AUC is %.3f by rank, %.3f learned", rank, guess)
	}
}
