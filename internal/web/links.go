package web

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"postern/engine"
)

// maxLink is the longest body of a request about links, in bytes.
const maxLink = 16 << 10

// Links is what the API for links asks of the house. A Permanent error is a sentence for who asked; after any other
// the same may be asked again.
type Links interface {
	// New makes a link, once for one id; a zero id is a fresh one each time.
	New(ctx context.Context, order LinkOrder, id engine.ID, by engine.Order) (LinkMade, error)
	// Check tells what a link allows now; nil if it opens nothing, for whatever reason.
	Check(ctx context.Context, question LinkQuestion) (*LinkStanding, error)
	// Revoke ends links for good and tells how many were not ended before.
	Revoke(ctx context.Context, choice LinkChoice, by engine.Order) (int, error)
}

// LinkOrder is what POST /api/links takes.
type LinkOrder struct {
	Landing  string `json:"landing"`
	Record   string `json:"record"` // "Module/id"
	Preset   string `json:"preset"`
	Language string `json:"language"`
	Expires  string `json:"expires"` // how long it lives: "2d"
}

// LinkMade is what it answers. The address cannot be had again.
type LinkMade struct {
	ID      engine.ID `json:"id"`
	URL     string    `json:"url"`
	Expires time.Time `json:"expires"`
	Uses    int       `json:"uses"`
}

// LinkQuestion is what POST /api/links/check takes: a token, or a landing and the external id of a record.
type LinkQuestion struct {
	Token      string `json:"token"` // or an address that ends in it
	Landing    string `json:"landing"`
	ExternalID string `json:"external_id"`
}

// LinkStanding is what a link allows.
type LinkStanding struct {
	Active     bool       `json:"active"`
	Record     string     `json:"record"`
	Landing    string     `json:"landing"`
	Fields     LinkFields `json:"fields"`
	Actions    []string   `json:"actions"`
	FactorOwed string     `json:"factor_owed,omitempty"` // name of the factor that a visitor has to pass first
	Expires    time.Time  `json:"expires,omitzero"`
	UsesLeft   int        `json:"uses_left"`
}

// LinkFields are the fields of a record that a visitor may see and change.
type LinkFields struct {
	Show []string `json:"show"`
	Edit []string `json:"edit"`
}

// LinkChoice is what POST /api/links/revoke takes: one of its keys but Reason.
type LinkChoice struct {
	ID        string `json:"id"`
	Token     string `json:"token"`
	Record    string `json:"record"`    // "Module/id"
	Recipient string `json:"recipient"` // likewise
	Workflow  string `json:"workflow"`
	Reason    string `json:"reason"`
}

// LinksHandler makes, checks and revokes links for whoever shows a key with the scope links, or check:
//
//	POST /api/links         {"landing", "record", "preset", "language", "expires"}: 201 with {"id", "url", …}. The
//	                        header Idempotency-Key makes an order that is sent again the same one.
//	POST /api/links/check   {"token"} or {"landing", "external_id"}: after RFC 7662, 200 with {"active": false} for
//	                        whatever opens nothing, and never why.
//	POST /api/links/revoke  one of {"id", "token", "record", "recipient", "workflow"}: 200 with {"revoked": 3}
func LinksHandler(links Links, keys Keys, refusing func() string, logger *slog.Logger) http.Handler {
	api := &linkAPI{links: links, keys: keys, refusing: refusing, logger: logger}
	mux := http.NewServeMux()
	mux.Handle("/api/links", api.answering(ScopeLinks, api.make))
	mux.Handle("/api/links/check", api.answering(ScopeCheck, api.check))
	mux.Handle("/api/links/revoke", api.answering(ScopeLinks, api.revoke))
	return mux
}

type linkAPI struct {
	links    Links
	keys     Keys
	refusing func() string
	logger   *slog.Logger
}

// linkCall is one request: its body and who sends it.
type linkCall struct {
	*http.Request
	name string // of the key
	body io.Reader
}

// answering asks who it is before it reads anything that they sent. A handler's answer is sent with its status.
func (a *linkAPI) answering(scope Scope, h func(context.Context, linkCall) (int, any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, bad := a.keys.admit(w, r, http.MethodPost, scope)
		if bad != nil {
			refuse(w, *bad)
			return
		}
		if reason := a.refusing(); reason != "" {
			refuse(w, refusal{
				status: http.StatusServiceUnavailable, retry: retryWhenDown, Code: "not_ready", Message: reason,
			})
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), storeTime)
		defer cancel()
		status, value, err := h(ctx, linkCall{Request: r, name: name, body: http.MaxBytesReader(w, r.Body, maxLink)})
		if err != nil {
			refuse(w, a.refusal(name, err))
			return
		}
		answer(w, status, value)
	})
}

// badBody is a body that is not what the path takes.
type badBody struct{ error }

func (a *linkAPI) refusal(sender string, err error) refusal {
	bad, isBad := errors.AsType[badBody](err)
	switch {
	case isBad:
		return refusal{status: http.StatusBadRequest, Code: "bad_order", Message: bad.Error()}
	case engine.IsPermanent(err):
		return refusal{status: http.StatusUnprocessableEntity, Code: "not_possible", Message: err.Error()}
	}
	a.logger.Warn("links API could not answer", "sender", sender, "error", err)
	return refusal{
		status: http.StatusServiceUnavailable, retry: retryWhenDown, Code: "unavailable",
		Message: "This could not be done or answered now; send it again.",
	}
}

func (a *linkAPI) make(ctx context.Context, c linkCall) (int, any, error) {
	var order LinkOrder
	const form = `{"landing": "ticket", "record": "HelpDesk/17x1"}`
	if err := readJSON(c.body, &order); err != nil {
		return 0, nil, badBody{fmt.Errorf("the body is no order such as %s: %w", form, err)}
	}
	if order.Landing == "" || order.Record == "" {
		return 0, nil, badBody{errors.New(`"landing" and "record" are needed, as in ` + form)}
	}
	made, err := a.links.New(ctx, order, idOf(c), orderOf(c, ""))
	return http.StatusCreated, made, err
}

// idOf is the id of what a request makes: the same for the same Idempotency-Key of the same sender; zero without one.
func idOf(c linkCall) (id engine.ID) {
	if key := c.Header.Get("Idempotency-Key"); key != "" {
		sum := sha256.Sum256([]byte("link\x00" + c.name + "\x00" + key))
		copy(id[:], sum[:])
	}
	return id
}

// orderOf is what the house notes of a request.
func orderOf(c linkCall, reason string) engine.Order {
	return engine.Order{By: "key:" + c.name, Reason: reason, At: time.Now()}
}

func (a *linkAPI) check(ctx context.Context, c linkCall) (int, any, error) {
	var question LinkQuestion
	const form = `{"token": "…"} or {"landing": "ticket", "external_id": "…"}`
	if err := readJSON(c.body, &question); err != nil {
		return 0, nil, badBody{errors.New("the body is no question such as " + form)} // a reason might quote a token
	}
	byExternal := question.Landing != "" && question.ExternalID != ""
	if (question.Token != "") == byExternal {
		return 0, nil, badBody{errors.New("ask by " + form)}
	}
	standing, err := a.links.Check(ctx, question)
	if err != nil {
		return 0, nil, err
	}
	if standing == nil {
		return http.StatusOK, map[string]bool{"active": false}, nil
	}
	return http.StatusOK, standing, nil
}

func (a *linkAPI) revoke(ctx context.Context, c linkCall) (int, any, error) {
	var choice LinkChoice
	if err := readJSON(c.body, &choice); err != nil {
		return 0, nil, badBody{errors.New(`the body is no order such as {"record": "HelpDesk/17x1"}`)}
	}
	var named int
	for _, given := range []string{choice.ID, choice.Token, choice.Record, choice.Recipient, choice.Workflow} {
		if given != "" {
			named++
		}
	}
	if named != 1 {
		return 0, nil, badBody{errors.New(`name the links by one of "id", "token", "record", "recipient", "workflow"`)}
	}
	revoked, err := a.links.Revoke(ctx, choice, orderOf(c, choice.Reason))
	return http.StatusOK, map[string]int{"revoked": revoked}, err
}
