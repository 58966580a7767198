package turns_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"postern/internal/turns"
)

const long = time.Hour // that no test waits

func enter(t *testing.T, all *turns.Turns, who string) (leave func()) {
	t.Helper()
	leave, err := all.Enter(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	return leave
}

// crowd is many who wait, each in a goroutine, and tell when it is their turn.
type crowd struct {
	t     *testing.T
	all   *turns.Turns
	turn  chan string // names as their turns come
	leave chan func()
	gone  sync.WaitGroup
}

func newCrowd(t *testing.T, all *turns.Turns) *crowd {
	c := &crowd{t: t, all: all, turn: make(chan string), leave: make(chan func())}
	t.Cleanup(c.gone.Wait)
	return c
}

// wait lets n more of a name stand in line.
func (c *crowd) wait(who string, n int) {
	c.t.Helper()
	before := c.all.Waiting(who)
	for range n {
		c.gone.Go(func() {
			leave, err := c.all.Enter(c.t.Context(), who)
			if err != nil {
				c.t.Errorf("%s: %v", who, err)
				return
			}
			c.turn <- who
			c.leave <- leave
		})
	}
	for c.all.Waiting(who) < before+n {
		if c.t.Context().Err() != nil {
			c.t.Fatal("they never stand in line")
		}
		time.Sleep(time.Microsecond) // until they all stand there, however long it takes
	}
}

// next is whose turn comes next, and ends it.
func (c *crowd) next() string {
	who := <-c.turn
	(<-c.leave)()
	return who
}

// Who wants 200 turns keeps nobody waiting for more than one of them.
func TestLinesAreServedInRotation(t *testing.T) {
	all := turns.New(1, 1, 200, long)
	first := enter(t, all, "ana")
	c := newCrowd(t, all)
	c.wait("ana", 200)
	c.wait("bob", 2)
	c.wait("cleo", 1)
	first()
	var order []string
	for range 203 {
		order = append(order, c.next())
	}
	for i, want := range []string{"ana", "bob", "cleo", "ana", "bob", "ana", "ana"} {
		if order[i] != want {
			t.Fatalf("turn %d is of %s, want %s: %v", i, order[i], want, order[:8])
		}
	}
}

// What one name may have at once leaves turns for the others.
func TestNobodyHasAllTurns(t *testing.T) {
	all := turns.New(3, 2, 10, long)
	one, two := enter(t, all, "ana"), enter(t, all, "ana")
	c := newCrowd(t, all)
	c.wait("ana", 2)
	bob := enter(t, all, "bob") // at once, though two wait since before
	one()
	if who := c.next(); who != "ana" {
		t.Errorf("the next is %s", who)
	}
	c.next()
	bob()
	two()
	two() // once more ends no turn of others
	a, b, d := enter(t, all, "ana"), enter(t, all, "bob"), enter(t, all, "cleo")
	short, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := all.Enter(short, "dora"); !errors.Is(err, context.Canceled) {
		t.Errorf("a fourth turn of three: %v", err)
	}
	a()
	b()
	d()
}

func TestWhoWaitsInVain(t *testing.T) {
	all := turns.New(1, 1, 1, time.Nanosecond)
	leave := enter(t, turns.New(1, 1, 1, time.Nanosecond), "ana") // a free turn needs no patience
	leave()
	held := enter(t, all, "ana")
	for range 3 { // none of them stays in line
		if _, err := all.Enter(t.Context(), "bob"); !errors.Is(err, turns.ErrLate) {
			t.Errorf("no turn came: %v", err)
		}
	}
	if n := all.Waiting("bob"); n != 0 {
		t.Errorf("%d wait", n)
	}
	held()
	enter(t, all, "bob")()
}

func TestALineHasAnEnd(t *testing.T) {
	all := turns.New(1, 1, 2, long)
	held := enter(t, all, "ana")
	c := newCrowd(t, all)
	c.wait("ana", 2)
	if _, err := all.Enter(t.Context(), "ana"); !errors.Is(err, turns.ErrLate) {
		t.Errorf("a third in a line of two: %v", err)
	}
	held()
	c.next()
	c.next()
}

// Turns that come, end and are given up at the same time are all there in the end.
func TestNoTurnIsLost(t *testing.T) {
	all := turns.New(3, 2, 1000, time.Millisecond)
	var workers sync.WaitGroup
	for i := range 40 {
		who := string(rune('a' + i%4))
		workers.Go(func() {
			for range 50 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*time.Microsecond)
				if leave, err := all.Enter(ctx, who); err == nil {
					leave()
				}
				cancel()
			}
		})
	}
	workers.Wait()
	for _, who := range []string{"x", "y", "z"} {
		defer enter(t, all, who)()
	}
}
