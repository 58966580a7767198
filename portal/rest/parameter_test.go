package rest_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"postern/engine"
	"postern/portal/portaltest/house"
)

// refusedPart is a request, as method, path and body, and the part of it that its refusal names.
type refusedPart struct {
	asked     [3]string
	parameter any
}

var longName = strings.Repeat("x", 300)

// partsOfQuestions are those of lists.
func partsOfQuestions() []refusedPart {
	list := func(query string) [3]string { return [3]string{"GET", "/records/HelpDesk" + query, ""} }
	return []refusedPart{
		{list("?colour=red"), "colour"},
		{list("?limit=x"), "limit"},
		{list("?limit=201"), "limit"},
		{list("?limit=1&limit=2"), "limit"},
		{list("?offset=-1"), "offset"},
		{list("?after=MTA"), "after"},
		{list("?q=%zz"), "q"},
		{list("?q=" + strings.Repeat("a+", 20)), "q"},
		{list("?sort=rank,secret"), "sort"},
		{list("?fields=secret"), "fields"},
		{list("?filter[secret][eq]=1"), "filter[secret][eq]"},
		{list("?filter[nothing][eq]=1"), "filter[nothing][eq]"},
		{list("?filter[due][lt]=soon"), "filter[due][lt]"},
		{list("?filter[due][contains]=1"), "filter[due][contains]"},
		{list("?filter[due][between]=1"), "filter[due][between]"},
		{list("?" + longName + "=1"), longName[:100]},
		{list("?filter[" + longName + "][eq]=1"), "filter[" + longName[:100] + "][eq]"},
		{list("?sort=" + longName), "sort"},
		{list("?" + strings.Repeat("a", 17<<10)), "query"},
	}
}

// partsOfChanges are those of what is to be written.
func partsOfChanges() []refusedPart {
	patch := func(body string) [3]string { return [3]string{"PATCH", "/records/HelpDesk/17x1", body} }
	return []refusedPart{
		{patch(`{"fields":{"` + longName + `":"a"}}`), "fields." + longName[:100]},
		{patch(`{"fields":{"description":"a","description":"b"}}`), "fields.description"},
		{patch(`{"fields":{"description":"a"},"fields":{}}`), "fields"},
		{patch(`{"fields":{"description":{"a":{"b":{"c":{"d":1}}}}}}`), "fields.description.a.b.c"},
		{patch(`{"fields":{"description":"a"},"id":"17x3"}`), "id"},
		{patch(`{"description":"a"}`), "fields"},
		{patch(`{"fields":{"secret":"a"}}`), "fields.secret"},
		{patch(`{"fields":{"nothing":"a"}}`), "fields.nothing"},
		{patch(`{"fields":{}}`), "fields"},
		{patch(`{"fields":`), "body"},
		{patch(`[]`), "body"},
		{[3]string{"POST", "/files/HelpDesk/attachment", ""}, "name"},
		{[3]string{"POST", "/files/HelpDesk/secret?name=a", ""}, "field"},
		{
			[3]string{"POST", "/records/ModComments", `{"fields":{"commentcontent":"x","related_to":"17x3"}}`},
			"fields.related_to",
		},
		{patch(`{"fields":{"due":"soon"}}`), "fields.due"},
		{[3]string{"POST", "/files/HelpDesk/attachment?name=a", "<html>"}, "body"},
		{[3]string{"POST", "/files/HelpDesk/description?name=a", "x"}, "field"},
		{[3]string{"DELETE", "/records/HelpDesk/17x1?", ""}, nil}, // forbidden, whatever it is asked with
	}
}

// partsOfSignIns are those of what proves somebody.
func partsOfSignIns() []refusedPart {
	login := func(body string) [3]string { return [3]string{"POST", "/login", body} }
	return []refusedPart{
		{login(`{}`), "name"},
		{login(`{"name":"a"}`), "password"},
		{login(`{"name":1,"password":"b"}`), "name"},
		{login(`{"name":"a","password":"b","more":1}`), "more"},
		{login(`{"name":"a","password":"b","name":"c"}`), "name"},
		{login(`{"name":"a","password":"b","cookie":"yes"}`), "cookie"},
		{login(`{"name":"a","nonce":"b"}`), "password"},
		{login(`{"nonce":"a","proof":"%"}`), "proof"},
		{login(`{"nonce":"a","proof":"YQ=="}`), "proof"},
		{login(`{"nonce":"","proof":"YQ=="}`), "nonce"},
		{[3]string{"POST", "/challenge", `{"name":"a","nonce":"short"}`}, "nonce"},
		{[3]string{"POST", "/challenge", `{"name":"` + strings.Repeat(longName, 10) + `","nonce":"short"}`}, "name"},
		{[3]string{"POST", "/recover", `{"name":""}`}, "name"},
		{[3]string{"POST", "/password", `{"password":"` + house.Password + `","next":"short"}`}, "next"},
	}
}

// What is refused as it stands says which part of it that is, in the words of who asked: no name of ours is in it.
func TestRefusalsNameThePart(t *testing.T) {
	w := newWorld(t)
	c := w.program(t, house.Customers, house.Ana)
	for _, tc := range slices.Concat(partsOfQuestions(), partsOfChanges(), partsOfSignIns()) {
		got := c.send("!"+tc.asked[0], tc.asked[1], tc.asked[2])
		if got.value["parameter"] != tc.parameter || got.status < 400 {
			t.Errorf("%.3q is answered %d %s, want %v", tc.asked, got.status, got.text, tc.parameter)
		}
	}
	// A field that is hidden and one that is not there are refused alike but for the name that was asked with.
	for _, path := range []string{"?filter[%s][eq]=1", "?sort=%s", "?fields=%s"} {
		hidden := c.send("GET", "/records/HelpDesk"+strings.ReplaceAll(path, "%s", "secret"), "")
		none := c.send("GET", "/records/HelpDesk"+strings.ReplaceAll(path, "%s", "sacred"), "")
		same(t, path, hidden.text, strings.ReplaceAll(none.text, "sacred", "secret"))
	}
	first := c.want(200, "GET", "/records/HelpDesk?limit=1&sort=rank", "").said("next")
	other := c.refused(400, "question", "GET", "/records/HelpDesk?limit=1&after="+url.QueryEscape(first), "")
	same(t, "a page of another order", other.said("parameter"), "after")
}

// What is told of a module is what would be done.
func TestModulesTellWhatMakingWouldDo(t *testing.T) {
	w := newWorld(t)
	w.Portals[house.Customers].Roles["manager"].Modules["HelpDesk"].Create = nil
	for _, who := range []engine.Ref{house.Ana, house.Mia} {
		c := w.program(t, house.Customers, who)
		for _, m := range c.want(200, "GET", "/modules", "").value["modules"].([]any) {
			module := m.(map[string]any)
			made := c.send("POST", "/records/"+module["module"].(string), `{"fields":{}}`)
			if told := module["create"] == true; told == (made.value["code"] == "forbidden") {
				t.Errorf("%s is told that making %s is %v, and answered %s", who, module["module"], told, made.text)
			}
			for _, f := range module["fields"].([]any) {
				if f.(map[string]any)["create"] == true && module["create"] != true {
					t.Errorf("%s of %s can be given to no record", f, module["module"])
				}
			}
		}
	}
}
