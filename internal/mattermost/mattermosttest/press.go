package mattermosttest

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"net/http"
	"testing"

	"postern/internal/contract"
	"postern/internal/mattermost"
)

//go:embed testdata/press.yaml
var pressDescription []byte

// Callbacks holds a handler of presses against what a server sends and takes.
func Callbacks(t testing.TB, handler http.Handler) http.Handler {
	return contract.Guard(t, pressDescription, handler)
}

// Press has a person press a button of a post, by what stands on it, and does to the post what the answer says. It
// returns the answer and its status.
func (s *Server) Press(postID, name string, by mattermost.User) (mattermost.Pressed, int) {
	s.t.Helper()
	post, action := s.button(postID, name)
	return s.Send(action.Integration.URL, mattermost.Press{
		UserID: by.ID, UserName: by.Username, ChannelID: post.ChannelID, PostID: post.ID,
		Context: action.Integration.Context,
	})
}

// Send posts a press as the server does, and does to its post what the answer says.
func (s *Server) Send(address string, press mattermost.Press) (mattermost.Pressed, int) {
	s.t.Helper()
	body, err := json.Marshal(struct {
		mattermost.Press
		Type      string `json:"type"`
		TriggerID string `json:"trigger_id"`
	}{press, "button", "tr1gger"})
	if err != nil {
		s.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Error(err)
		return mattermost.Pressed{}, 0
	}
	defer func() { _ = response.Body.Close() }()
	var pressed mattermost.Pressed
	if err := json.NewDecoder(response.Body).Decode(&pressed); err != nil && response.StatusCode == http.StatusOK {
		s.t.Errorf("the answer to a press: %v", err)
	}
	if pressed.Update != nil {
		s.update(press.PostID, *pressed.Update)
	}
	return pressed, response.StatusCode
}

// button finds what is to be pressed.
func (s *Server) button(postID, name string) (Post, mattermost.Action) {
	s.t.Helper()
	for _, post := range s.Posts() {
		if post.ID != postID {
			continue
		}
		for _, attachment := range post.Props.Attachments {
			for _, action := range attachment.Actions {
				if action.Name == name {
					return post, action
				}
			}
		}
	}
	s.t.Fatalf("post %s has no button %q", postID, name)
	return Post{}, mattermost.Action{}
}

func (s *Server) update(postID string, update mattermost.Update) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.posts {
		if s.posts[i].ID == postID {
			s.posts[i].Message, s.posts[i].Props = update.Message, update.Props
			s.posts[i].UpdateAt = s.now().UnixMilli()
		}
	}
}
