package corebostest

import (
	"io"
	"net"
	"net/http"
	"slices"
)

// Fault is one way in which a call goes wrong. Without Done it goes wrong before anything happened, with it after the
// CRM did what was asked: the caller sees no difference.
type Fault struct {
	Operation string // of the calls that are meant; any if empty
	Times     int    // how many of them; 0 means one
	Done      bool

	Meanwhile func()          // something that happens first, such as somebody's edit
	Hold      <-chan struct{} // the call waits until it is closed, or the caller leaves
	Reset     bool            // the connection is cut and nothing is answered
	Status    int             // this status, with Page as the body, is answered instead
	Page      string          // an HTML page
	Code      string          // this code, with Message, is refused instead
	Message   string
}

type fault struct {
	Fault
	left int
}

// Break makes coming calls go wrong. Several faults of one operation happen one after the other.
func (p *Player) Break(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, &fault{Fault: f, left: max(f.Times, 1)})
}

// broken takes the fault that is next for an operation; nil if there is none.
func (p *Player) broken(operation string) *fault {
	i := slices.IndexFunc(p.faults, func(f *fault) bool { return f.Operation == "" || f.Operation == operation })
	if i < 0 {
		return nil
	}
	f := p.faults[i]
	if f.left--; f.left == 0 {
		p.faults = slices.Delete(p.faults, i, i+1)
	}
	return f
}

// before tells whether the call goes on to what it asks for.
func (f *fault) before(w http.ResponseWriter, r *http.Request) bool {
	if f.Meanwhile != nil {
		f.Meanwhile()
	}
	return f.Done || f.happen(w, r)
}

// after tells whether the call is answered as it should be.
func (f *fault) after(w http.ResponseWriter, r *http.Request) bool { return !f.Done || f.happen(w, r) }

// happen spoils the answer; true if the fault only delays.
func (f *fault) happen(w http.ResponseWriter, r *http.Request) bool {
	if f.Hold != nil {
		select {
		case <-f.Hold:
		case <-r.Context().Done():
			return false
		}
	}
	switch {
	case f.Reset:
		cut(w)
	case f.Status != 0:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(f.Status)
		_, _ = io.WriteString(w, f.Page)
	case f.Code != "":
		refuse(f.Code, f.Message).write(w)
	default:
		return true
	}
	return false
}

// cut resets the connection.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "a connection of HTTP/2 cannot be cut", http.StatusNotImplemented)
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
