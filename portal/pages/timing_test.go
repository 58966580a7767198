package pages

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"postern/engine"
	"postern/portal"
	"postern/portal/portaltest/house"
)

// timed is a request that must take as long for every name.
type timed struct {
	path string
	form func(n int, who class) url.Values
	step time.Duration // that its answers take a multiple of
}

// class is a kind of name that nobody is to tell from the others by the time of an answer.
type class struct {
	kind, name, password string
	lane                 bool // strangers have to wait
}

const wrongPassword = "eleven green umbrellas fly"

// timingSamples are how many requests are sent for each class: make timing asks for 2,000.
func timingSamples(t *testing.T) int {
	t.Helper()
	text := os.Getenv("POSTERN_TIMING")
	if text == "" {
		return 40
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 10 {
		t.Fatalf("POSTERN_TIMING is %q: give how many samples to take of each class", text)
	}
	return n
}

// T51: nobody tells by the time of an answer whether a name is known, is shut out or has to wait. The classes come by
// turns over real HTTP and a real clock. What may be left is what chance gives: the bound is 0.55 where there are 2,000
// samples, and wider by as much as fewer of them are scattered.
func TestT51TimesTellNothing(t *testing.T) {
	samples := timingSamples(t)
	scattered := math.Sqrt(float64(2*samples+1) / float64(12*samples*samples))
	bound := max(0.55, 0.5+5*scattered)
	for name, request := range map[string]timed{
		"password": {path: "sign-in", step: 20 * time.Millisecond, form: func(_ int, c class) url.Values {
			return url.Values{"name": {c.name}, "password": {c.password}}
		}},
		"challenge": {path: "sign-in/challenge", step: 5 * time.Millisecond, form: func(n int, c class) url.Values {
			return url.Values{"name": {c.name}, "nonce": {fmt.Sprintf("%024d", n)}}
		}},
		"recover": {path: "forgot", form: func(_ int, c class) url.Values { return url.Values{"name": {c.name}} }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTiming(t, request)
			times := s.sample(request, samples)
			for _, c := range s.classes[1:] {
				unknown := times[s.classes[0].kind]
				rank, guess := rankAUC(unknown, times[c.kind]), learned(unknown, times[c.kind])
				t.Logf("unknown and %s: rank AUC %.3f, learned AUC %.3f", c.kind, rank, guess)
				if rank > bound || guess > bound {
					t.Errorf("%s is told from unknown: AUC %.3f by rank, %.3f learned, at most %.3f",
						c.kind, rank, guess, bound)
				}
			}
		})
	}
}

// timing is the pages on the machine's clock, with a name of each class.
type timing struct {
	*house.World
	url     string
	classes []class
}

func newTiming(t *testing.T, request timed) *timing {
	t.Helper()
	s := newStage(t)
	floor := request.step
	if strings.HasSuffix(request.path, "challenge") {
		floor *= 20
	}
	gate := s.OpenGate(func(c *portal.GateConfig) { c.Clock, c.Floor = engine.SystemClock{}, floor })
	s.pages.with.Gate = gate
	for _, ref := range []engine.Ref{house.Ana, house.Bob, house.Alan, house.Eve, house.Mia} {
		s.SetPassword(house.Customers, ref)
	}
	s.Put(house.Alan, engine.Fields{"support_end_date": "2020-01-01"})
	s.Put(house.Eve, engine.Fields{"portal": false})
	order := portal.Order{
		Portal: house.Customers, Subject: house.Bob, Do: portal.OrderDisable, At: s.Clock.Now(),
		Deed: engine.Deed{At: s.Clock.Now(), Kind: engine.DeedPortalDisabled, Actor: "operator:test"},
	}
	if err := s.Store.Govern(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	return &timing{World: s.World, url: s.url, classes: []class{
		{kind: "unknown", name: "nobody@acme.example", password: house.Password},
		{kind: "known", name: "ana@acme.example", password: wrongPassword},
		{kind: "disabled", name: "bob@globex.example", password: house.Password},
		{kind: "expired", name: "alan@acme.example", password: house.Password},
		{kind: "not active", name: "eve@nobody.example", password: house.Password},
		{kind: "waiting", name: "mia@acme.example", password: house.Password, lane: true},
	}}
}

// sample sends a request for each class by turns, in an order that changes, and returns how long each took, by kind.
func (s *timing) sample(request timed, samples int) map[string][]float64 {
	s.T.Helper()
	times := map[string][]float64{}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	const warm = 3
	for n := range samples + warm {
		for i := range s.classes {
			c := s.classes[(i*5+n)%len(s.classes)] // 5 has no divisor with 6: all of them, in another order each time
			s.lane(c)
			form := request.form(n, c).Encode()
			began := time.Now()
			reply, err := client.Post(s.url+"/portal/customers/"+request.path,
				"application/x-www-form-urlencoded", strings.NewReader(form))
			if err != nil {
				s.T.Fatal(err)
			}
			_, err = io.Copy(io.Discard, reply.Body)
			took := time.Since(began)
			if reply.Body.Close(); err != nil || reply.StatusCode >= 500 || reply.StatusCode == 303 {
				s.T.Fatalf("%s: %s, %v", c.kind, reply.Status, err)
			}
			if n >= warm {
				times[c.kind] = append(times[c.kind], took.Seconds())
			}
		}
	}
	return times
}

// lane puts the lane of a name to where its class has it.
func (s *timing) lane(c class) {
	s.T.Helper()
	lane := s.Gate.Lane(house.Customers, c.name)
	order := portal.Order{
		Portal: house.Customers, Subject: house.Sam, Do: portal.OrderUnlock, Lanes: [][]byte{lane}, At: time.Now(),
		Deed: engine.Deed{At: time.Now(), Kind: engine.DeedPortalUnlocked, Actor: "operator:test"},
	}
	if err := s.Store.Govern(s.T.Context(), order); err != nil {
		s.T.Fatal(err)
	}
	for range portal.LaneFree {
		try := portal.Try{Lane: lane, At: time.Now()}
		if !c.lane {
			try.Lane = s.Gate.Lane(house.Staff, c.name) // as much work, elsewhere
		}
		if _, err := s.Store.TryPassword(s.T.Context(), try); err != nil {
			s.T.Fatal(err)
		}
	}
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
