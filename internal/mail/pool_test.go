package mail

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/engine"
	"postern/internal/mail/mailtest"
)

func TestLettersShareConnections(t *testing.T) {
	server := (&mailtest.Server{TLS: "starttls"}).Start(t)
	p := pool(t, server.Port, func(s *Server) { s.TLS, s.Roots = StartTLS, server.Authority.Roots })
	var next atomic.Int64
	var senders sync.WaitGroup
	for range 8 {
		senders.Go(func() {
			for n := next.Add(1); n <= 200; n = next.Add(1) {
				l := letter(t)
				l.To = fmt.Sprintf("customer%d@customer.example", n)
				if _, err := p.Send(t.Context(), l, unwatched); err != nil {
					t.Error(err)
				}
			}
		})
	}
	senders.Wait()
	times := map[string]int{}
	for _, mail := range server.Mails() {
		times[mail.To]++
	}
	for n := 1; n <= 200; n++ {
		if to := fmt.Sprintf("customer%d@customer.example", n); times[to] != 1 {
			t.Errorf("%s got %d mails", to, times[to])
		}
	}
	if n := server.Connections(); n > 8 {
		t.Errorf("%d connections", n)
	}
}

func TestPoolIsNeverLargerThanAsked(t *testing.T) {
	var at, most atomic.Int64
	server := (&mailtest.Server{OnDot: func(*mailtest.Dialogue, mailtest.Mail) error {
		most.Store(max(most.Load(), at.Add(1)))
		defer at.Add(-1)
		return nil
	}}).Start(t)
	p := pool(t, server.Port, func(s *Server) { s.Connections = 2 })
	var senders sync.WaitGroup
	for range 20 {
		senders.Go(func() {
			if _, err := p.Send(t.Context(), letter(t), unwatched); err != nil {
				t.Error(err)
			}
		})
	}
	senders.Wait()
	if server.Connections() > 2 || most.Load() > 2 {
		t.Errorf("%d connections, %d at once", server.Connections(), most.Load())
	}
}

func TestConnectionClosedWhileIdleIsReplaced(t *testing.T) {
	closings := map[string]*mailtest.Server{
		"by a patient server":   {IdleAfter: 50 * time.Millisecond},
		"by 421 for the second": {OnMail: second(mailtest.Refuse(421, 4, 7, 0, "one letter each"))},
		"without a word": {OnMail: func(d *mailtest.Dialogue) error {
			if d.Letters > 1 {
				d.HangUp()
			}
			return nil
		}},
	}
	for how, config := range closings {
		t.Run(how, func(t *testing.T) {
			server := config.Start(t)
			p := pool(t, server.Port, nil)
			for range 2 {
				if _, err := p.Send(t.Context(), letter(t), unwatched); err != nil {
					t.Fatal(err)
				}
				if config.IdleAfter > 0 {
					awaitHangUp(t, p)
				}
			}
			if got, n := len(server.Mails()), server.Connections(); got != 2 || n != 2 {
				t.Errorf("%d mails over %d connections, want 2 over 2", got, n)
			}
		})
	}
}

func second(err error) func(*mailtest.Dialogue) error {
	return func(d *mailtest.Dialogue) error {
		if d.Letters > 1 {
			return err
		}
		return nil
	}
}

// awaitHangUp returns once the server has closed the one idle connection.
func awaitHangUp(t *testing.T, p *Pool) {
	t.Helper()
	one := make([]byte, 1)
	for {
		if _, err := p.idle[0].wire.Read(one); err != nil {
			return
		}
	}
}

func TestConnectionIsResetAfterARefusal(t *testing.T) {
	port := script{
		{"220 hi\r\n", "EHLO"},
		{"250 hi\r\n", "MAIL"},
		{"250 ok\r\n", "RCPT"},
		{"550 no\r\n", "RSET"},
		{"250 ok\r\n", "MAIL"},
		{"250 ok\r\n", "RCPT"},
		{"250 ok\r\n", "DATA"},
		{"354 go\r\n", "."},
		{"250 ok\r\n", "QUIT"},
	}.start(t)
	p := pool(t, port, nil)
	if _, err := p.Send(t.Context(), letter(t), unwatched); verdict(err) != "permanent" {
		t.Errorf("verdict %s: %v", verdict(err), err)
	}
	if _, err := p.Send(t.Context(), letter(t), unwatched); err != nil {
		t.Errorf("the next on the same connection: %v", err)
	}
}

func TestReplacedOnceOnly(t *testing.T) {
	var busy atomic.Bool
	server := (&mailtest.Server{OnMail: func(*mailtest.Dialogue) error {
		if busy.Load() {
			return mailtest.Refuse(421, 4, 3, 2, "busy")
		}
		return nil
	}}).Start(t)
	p := pool(t, server.Port, nil)
	if _, err := p.Send(t.Context(), letter(t), unwatched); err != nil {
		t.Fatal(err)
	}
	busy.Store(true)
	if _, err := p.Send(t.Context(), letter(t), unwatched); verdict(err) != "retry" || server.Connections() != 2 {
		t.Errorf("verdict %s after %d connections: %v", verdict(err), server.Connections(), err)
	}
}

func TestAnswerLostOnAKeptConnectionIsNotTriedAgain(t *testing.T) {
	server := (&mailtest.Server{OnDot: func(d *mailtest.Dialogue, _ mailtest.Mail) error {
		if d.Letters > 1 {
			d.HangUp()
		}
		return nil
	}}).Start(t)
	p := pool(t, server.Port, nil)
	if _, err := p.Send(t.Context(), letter(t), unwatched); err != nil {
		t.Fatal(err)
	}
	_, err := p.Send(t.Context(), letter(t), unwatched)
	if !engine.IsUnknown(err) || server.Connections() != 1 {
		t.Errorf("verdict %s after %d connections: %v", verdict(err), server.Connections(), err)
	}
}

// hourly is a clock that is an hour on at every look.
type hourly struct {
	engine.SystemClock
	looks *atomic.Int64
}

func (c hourly) Now() time.Time { return time.Unix(3600*c.looks.Add(1), 0) }

func TestOldConnectionsAreLeft(t *testing.T) {
	server := (&mailtest.Server{}).Start(t)
	p := pool(t, server.Port, nil)
	p.clock = hourly{looks: new(atomic.Int64)}
	for range 3 {
		if _, err := p.Send(t.Context(), letter(t), unwatched); err != nil {
			t.Fatal(err)
		}
	}
	if n := server.Connections(); n != 3 || len(p.idle) != 1 {
		t.Errorf("%d connections, %d idle", n, len(p.idle))
	}
}

func TestCloseWaitsForLettersUnderWay(t *testing.T) {
	arrived, answer := make(chan struct{}), make(chan struct{})
	server := (&mailtest.Server{OnDot: func(*mailtest.Dialogue, mailtest.Mail) error {
		close(arrived)
		<-answer
		return nil
	}}).Start(t)
	p := pool(t, server.Port, func(s *Server) { s.Connections = 1 })
	sent, waiting, closed := make(chan error, 1), make(chan error, 1), make(chan struct{})
	go func() { _, err := p.Send(t.Context(), letter(t), unwatched); sent <- err }()
	<-arrived
	go func() { _, err := p.Send(t.Context(), letter(t), unwatched); waiting <- err }()
	go func() { _ = p.Close(); close(closed) }()
	if err := <-waiting; !errors.Is(err, ErrClosed) {
		t.Errorf("a letter that waited for a connection: %v", err)
	}
	select {
	case <-closed:
		t.Error("Close did not wait")
	default:
	}
	close(answer)
	if err := <-sent; err != nil {
		t.Errorf("the letter under way: %v", err)
	}
	<-closed
	if _, err := p.Send(t.Context(), letter(t), unwatched); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestWaitingForAConnectionEndsWithTheContext(t *testing.T) {
	p := pool(t, 1, func(s *Server) { s.Connections = 1 })
	p.slots <- struct{}{}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := p.Send(ctx, letter(t), unwatched); !errors.Is(err, context.DeadlineExceeded) || !engine.IsBusy(err) {
		t.Errorf("got %v", err)
	}
	<-p.slots
}

func BenchmarkSend(b *testing.B) {
	for _, mode := range []Security{None, StartTLS} {
		b.Run(string(mode), func(b *testing.B) {
			server := (&mailtest.Server{TLS: string(mode)}).Start(b)
			p := pool(b, server.Port, func(s *Server) { s.TLS, s.Roots = mode, server.Authority.Roots })
			l := letter(b)
			b.SetParallelism(4)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := p.Send(b.Context(), l, unwatched); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
		})
	}
}
