package channels

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"postern/engine"
	"postern/internal/mattermost"
)

// maxPress is how many bytes of a press are read: the post's text comes back with it.
const maxPress = 256 << 10

// button is what a press brings back. Mattermost signs nothing, so that what proves it is ours is our own mark.
type button struct {
	Delivery   string `json:"delivery"`
	Link       string `json:"link"`
	Generation int    `json:"generation"`
	Action     string `json:"action"`
	Expires    int64  `json:"expires"` // in seconds
	Mark       string `json:"mac"`

	// What the post becomes is made of these, and of nothing that the server tells.
	Label string `json:"label"`
	Text  string `json:"text"`
}

// mark proves that the button is ours, of this message and in this channel, which is "" where it was not known.
func (b button) mark(key []byte, channel string) string {
	mac := hmac.New(sha256.New, key)
	for _, part := range []string{
		b.Delivery, channel, b.Link, strconv.Itoa(b.Generation), b.Action, strconv.FormatInt(b.Expires, 10),
	} {
		_, _ = fmt.Fprintf(mac, "%d:%s", len(part), part)
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// actions are the buttons of a message; none where the server could not call back.
func (m *Mattermost) actions(message engine.Message, channel, text string) []mattermost.Action {
	if m.key == nil {
		return nil
	}
	var actions []mattermost.Action
	for i, offered := range message.Content.Buttons {
		b := button{
			Delivery: message.Delivery.String(), Link: offered.Link.String(), Generation: offered.Generation,
			Action: offered.Action, Expires: offered.Expires.Unix(), Label: oneLine(offered.Label), Text: text,
		}
		actions = append(actions, m.action(b, channel, i))
	}
	return actions
}

// action is a button as the server takes it, with our mark.
func (m *Mattermost) action(b button, channel string, nth int) mattermost.Action {
	b.Mark = b.mark(m.key, channel)
	context, _ := json.Marshal(b) // texts and numbers can always be written
	return mattermost.Action{
		ID: "b" + strconv.Itoa(nth), Type: "button", Name: b.Label,
		Integration: mattermost.Integration{URL: m.outfit.Callbacks + "/press", Context: context},
	}
}

// attached are actions as they hang on a post; none for none.
func attached(actions ...mattermost.Action) []mattermost.Attachment {
	if len(actions) == 0 {
		return nil
	}
	var names []string
	for _, action := range actions {
		names = append(names, action.Name)
	}
	return []mattermost.Attachment{{Fallback: strings.Join(names, ", "), Actions: actions}}
}

// Callbacks takes presses of buttons.
func (m *Mattermost) Callbacks() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !strings.HasSuffix(r.URL.Path, "/press"):
			http.NotFound(w, r)
		case r.Method != http.MethodPost:
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		default:
			m.takePress(w, r)
		}
	})
}

// userID is a person as Mattermost knows them.
var userID = regexp.MustCompile(`^[a-z0-9]{26}$`)

// takePress has the door take the action. What it says goes to who pressed, and into the post if it is for all.
func (m *Mattermost) takePress(w http.ResponseWriter, r *http.Request) {
	var press mattermost.Press
	var b button
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPress))
	if err == nil {
		err = json.Unmarshal(body, &press)
	}
	if err == nil {
		err = json.Unmarshal(press.Context, &b)
	}
	if err != nil || !userID.MatchString(press.UserID) {
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
		return
	}
	if m.outfit.Press == nil {
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	pressed, err := m.outfit.Press(r.Context(), m.order(press, b))
	if err != nil {
		m.outfit.Logger.Error("a press was not taken", "channel", m.outfit.Channel, "error", err)
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(m.answer(press, b, pressed)) // who has left is not waited for
}

// order is what the door is asked to do: nothing, for a button that is not ours or whose time is over. It has the words
// for that too.
func (m *Mattermost) order(press mattermost.Press, b button) engine.Press {
	given := []byte(b.Mark)
	ours := m.key != nil && (hmac.Equal(given, []byte(b.mark(m.key, press.ChannelID))) ||
		m.hook != nil && hmac.Equal(given, []byte(b.mark(m.key, ""))))
	link, err := engine.ParseID(b.Link)
	if err != nil || !ours || !m.outfit.Clock.Now().Before(time.Unix(b.Expires, 0)) {
		return engine.Press{}
	}
	return engine.Press{
		Link: link, Generation: b.Generation, Action: b.Action, By: m.outfit.Channel + ":" + press.UserID,
	}
}

// answer tells who pressed what came of it. The post loses its buttons and says what was done, and by whom, once it is
// done; or why nothing can be done any more.
func (m *Mattermost) answer(press mattermost.Press, b button, pressed engine.Pressed) mattermost.Pressed {
	answer := mattermost.Pressed{Ephemeral: pressed.Text}
	said := ""
	switch {
	case pressed.First:
		said = doneSign(b) + " **" + b.Label + "** · " + userName(press.UserName)
	case pressed.Over && b.Delivery != "" && m.order(press, b) != (engine.Press{}):
		said = pressed.Text
	default:
		return answer
	}
	answer.Update = &mattermost.Update{
		Message: strings.TrimRight(b.Text, "\n") + "\n\n" + fit(said, outcomeRoom-2),
		Props:   mattermost.Props{Delivery: b.Delivery},
	}
	if pressed.Undo != "" {
		b.Action, b.Label, b.Expires = engine.PressUndo, oneLine(pressed.Undo), pressed.Until.Unix()
		answer.Update.Props.Attachments = attached(m.action(b, press.ChannelID, 0))
	}
	return answer
}

// doneSign stands before what was done, or taken back.
func doneSign(b button) string {
	if b.Action == engine.PressUndo {
		return "↶"
	}
	return "✓"
}

// userName is a name as the server gives it, without what would make it a mention or Markdown.
func userName(name string) string {
	plain := strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789.-", r) {
			return r
		}
		return -1
	}, strings.ToLower(name))
	return plain[:min(len(plain), 64)]
}
