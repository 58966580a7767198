package links_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
	"postern/links"
)

func TestCommentBecomesARecord(t *testing.T) {
	h := kindsHouse(t)
	link, address := h.mint("kinds")
	v := h.visitor()
	page := v.open(address)
	page.expect(t, 200, "Your comment", `maxlength="200"`, `enctype="multipart/form-data"`)
	v.upload(page, map[string]string{"comment": "It <smokes>\r\nagain", "score": ""}).
		expect(t, 200, "Sent", "We have got what you sent.", "Your comment", "It &lt;smokes&gt;", "!Take it back")
	made := h.made("ModComments")
	if len(made) != 1 || h.link(link).Uses != 1 {
		t.Fatalf("%d comments, %d uses", len(made), h.link(link).Uses)
	}
	key := made[0].Fields.Text("cf_key")
	want := engine.Fields{"commentcontent": "It <smokes>\nagain", "related_to": "17x42", "cf_key": key}
	if diff := cmp.Diff(want, made[0].Fields); diff != "" || len(key) != 36 {
		t.Errorf("the comment (-want +got):\n%s", diff)
	}
	created, used := h.eventsOf(engine.RecordCreated), h.eventsOf(engine.LinkUsed)
	if len(created) != 1 || len(used) != 1 || created[0].CauseID != used[0].ID || created[0].Depth != 1 ||
		created[0].Change.Actor != "link:z…@acme.example" {
		t.Errorf("events %+v, %+v", created, used)
	}
}

// T70, T71: what is typed into an entry reaches the field it is meant for, within its limits, and nothing else.
func TestT71CommentsThatCannotBeTaken(t *testing.T) {
	h := kindsHouse(t)
	link, address := h.mint("kinds")
	v := h.visitor()
	page := v.open(address)
	for text, want := range map[string]string{
		strings.Repeat("x", 201): "at most 200 characters", "nul \x00 in it": "plain text", "broken \xff": "plain text",
	} {
		v.submit(page, url.Values{"comment": {text}}).expect(t, 422, want, "field-comment-problem")
	}
	v.submit(page, url.Values{
		"related_to": {"17x1"}, "commentcontent": {"x"}, "cf_key": {"x"}, "comment[related_to]": {"17x1"},
		"comment": {"one", "two"}, "notes_title": {"x"}, "photo": {"no file"}, "filename": {"x"},
	}).expect(t, 200, "Nothing was saved, because nothing was changed.")
	if uses := h.link(link).Uses; uses != 0 || len(h.eventsOf(engine.RecordCreated)) != 0 {
		t.Errorf("%d uses", uses)
	}
}

func TestOneCommentFromAHundred(t *testing.T) {
	h := kindsHouse(t)
	link, address := h.mint("kinds")
	v := h.visitor()
	page := v.open(address)
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() {
			reply := v.submit(page, url.Values{"comment": {"It smokes again"}})
			if reply.status != http.StatusOK || !strings.HasPrefix(reply.path, "/r/") {
				t.Errorf("status %d at %s", reply.status, reply.path)
			}
		})
	}
	group.Wait()
	if made := h.made("ModComments"); len(made) != 1 || h.link(link).Uses != 1 {
		t.Errorf("%d comments, %d uses", len(made), h.link(link).Uses)
	}
	v.submit(page, url.Values{"comment": {"And again"}}).expect(t, 200, "Sent") // another comment is another act
	if made := h.made("ModComments"); len(made) != 2 {
		t.Errorf("%d comments", len(made))
	}
}

func TestCommentInAnotherCRM(t *testing.T) {
	h := kindsHouse(t, func(c *links.DoorConfig) { c.CRM = distant{c.CRM} })
	fences := h.owned()
	_, address := h.mint("kinds")
	v := h.visitor()
	page := v.open(address)
	for range 2 {
		v.submit(page, url.Values{"comment": {"It smokes"}, "score": {"", "2"}}).expect(t, 200, "Received", "It smokes")
	}
	effects := h.effects(fences)
	if len(effects) != 2 || effects[0].Write == nil || effects[1].Create == nil {
		t.Fatalf("the effects are %+v", effects)
	}
	create := effects[1].Create
	want := engine.Fields{"commentcontent": "It smokes", "related_to": "17x42"}
	if diff := cmp.Diff(want, create.Fields); diff != "" || create.KeyField != "cf_key" || len(create.Key) != 36 ||
		create.About != ticket || effects[0].Write.Patch.Set.Text("score") != "2" {
		t.Errorf("the comment is %+v (-want +got):\n%s", create, diff)
	}
	if len(h.made("ModComments")) != 0 {
		t.Error("a comment was made here, too")
	}
}
