package engine

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// standing is a clock that a test sets.
type standing struct {
	Clock
	now time.Time
}

func (s *standing) Now() time.Time { return s.now }

func outletsOf(slots int, rates map[string]Rate, names ...string) (*outlets, *standing) {
	channels := map[string]Channel{}
	for _, name := range names {
		channels[name] = nil
	}
	clock := &standing{now: noon}
	return newOutlets(slots, channels, rates, clock), clock
}

// fill takes slots until there are no more for a channel.
func fill(o *outlets, channel string) (n int) {
	for {
		slots, _ := o.takeAll(channel)
		if len(slots) == 0 {
			return n
		}
		n += len(slots)
	}
}

func TestSlotsAreShared(t *testing.T) {
	alone, _ := outletsOf(128, nil, "email")
	if n := fill(alone, "email"); n != 128 {
		t.Errorf("a channel alone gets %d slots", n)
	}
	o, _ := outletsOf(128, nil, "email", "push", "sms", "webhook")
	var got []int
	for _, name := range []string{"email", "push", "sms", "webhook"} {
		got = append(got, fill(o, name))
	}
	if got[0] != 96 || got[1] != 24 || got[2] != 6 || got[3] < 1 {
		t.Errorf("while each before holds all it can, they get %v", got)
	}
}

func TestRateIsKept(t *testing.T) {
	for _, rate := range []Rate{{10, time.Second}, {600, time.Minute}, {36_000, time.Hour}, {864_000, 24 * time.Hour}} {
		o, clock := outletsOf(128, map[string]Rate{"sms": rate}, "sms")
		sent := 0
		for clock.now.Before(noon.Add(10 * time.Second)) {
			slots, again := o.takeAll("sms")
			for _, slot := range slots {
				o.begin("sms")
				o.end("sms", slot, answerGiven, 0)
				sent++
			}
			if len(slots) == 0 {
				if !again.After(clock.now) {
					t.Fatalf("%v: after %d no time to look again, but %s", rate, sent, again)
				}
				clock.now = again
			}
		}
		if sent < 105 || sent > 110 {
			t.Errorf("%v: %d in 10 s, want 10/s and a burst of 10", rate, sent)
		}
	}
}

func TestSlotsPutBackCostNothingOfTheRate(t *testing.T) {
	o, _ := outletsOf(128, map[string]Rate{"sms": {3, time.Second}}, "sms")
	for range 10 {
		slots, _ := o.takeAll("sms") // half of three, for nobody waits
		if len(slots) != 2 {
			t.Fatalf("got %d slots", len(slots))
		}
		third, ok := o.take("sms")
		if !ok {
			t.Fatal("nothing was left for a new message")
		}
		if _, ok := o.take("sms"); ok {
			t.Fatal("a fourth was given")
		}
		o.putBack("sms", append(slots, third)...)
		o.left("sms", false)
	}
}

func TestWhoWaitsGoesFirst(t *testing.T) {
	o, clock := outletsOf(128, map[string]Rate{"sms": {1, time.Second}}, "sms")
	slot, _ := o.take("sms")
	o.begin("sms")
	o.end("sms", slot, answerGiven, 0)
	if _, ok := o.take("sms"); ok {
		t.Fatal("more than the rate")
	}
	clock.now = clock.now.Add(2 * time.Second)
	if _, ok := o.take("sms"); ok {
		t.Error("a new message overtook the one that waits")
	}
	o.left("sms", false)
	if _, ok := o.take("sms"); !ok {
		t.Error("nobody waits, and yet it may not go")
	}
}

func TestParseRate(t *testing.T) {
	for text, want := range map[string]Rate{
		"10/s": {10, time.Second}, "600/m": {600, time.Minute}, "1/h": {1, time.Hour}, "50000/d": {50_000, 24 * time.Hour},
	} {
		if got, err := ParseRate(text); err != nil || got != want {
			t.Errorf("%s is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "10", "10/", "/s", "-1/s", "0/s", "1.5/s", "10/w", "10 / s", "9999999/s", "99999999999999999999/s"} {
		if got, err := ParseRate(text); err == nil {
			t.Errorf("%q passed as %v", text, got)
		}
	}
}

// Whatever is taken and given back: no slot is held twice or lost, no channel has more than its breaker and rate allow,
// and with nothing held there is room again after a while.
func TestOutletProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"email", "sms"}
		rate := Rate{rapid.IntRange(1, 20).Draw(t, "rate"), time.Second}
		o, clock := outletsOf(16, map[string]Rate{"sms": rate}, names...)
		type holding struct {
			channel string
			slot    int
		}
		var held []holding
		begun := 0
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			name := rapid.SampledFrom(names).Draw(t, "channel")
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				if slot, ok := o.take(name); ok {
					held = append(held, holding{name, slot})
				}
			case 1:
				slots, _ := o.takeAll(name)
				for _, slot := range slots {
					held = append(held, holding{name, slot})
				}
				o.left(name, rapid.Bool().Draw(t, "waiting"))
			case 2:
				if len(held) > 0 {
					h := held[0]
					held = held[1:]
					o.begin(h.channel)
					if h.channel == "sms" {
						begun++
					}
					o.end(h.channel, h.slot, rapid.SampledFrom([]answer{answerGiven, answerFailed}).Draw(t, "answer"), 0)
				}
			case 3:
				clock.now = clock.now.Add(time.Duration(rapid.IntRange(1, 5000).Draw(t, "ms")) * time.Millisecond)
			}
			seen := map[int]bool{}
			for _, h := range held {
				if seen[h.slot] {
					t.Fatalf("slot %d is held twice", h.slot)
				}
				seen[h.slot] = true
			}
			if len(held)+len(o.free) != 16 {
				t.Fatalf("%d held and %d free of 16", len(held), len(o.free))
			}
			if most := float64(rate.Count) * (1 + clock.now.Sub(noon).Seconds()); float64(begun) > most+0.001 {
				t.Fatalf("%d begun where %.1f are allowed", begun, most)
			}
		}
		for _, h := range held {
			o.putBack(h.channel, h.slot)
		}
		clock.now = clock.now.Add(breakerMost)
		for _, name := range names {
			if slots, again := o.takeAll(name); len(slots) == 0 {
				t.Fatalf("%s has no room until %s", name, again)
			}
		}
	})
}
