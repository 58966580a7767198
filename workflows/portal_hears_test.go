package workflows_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"postern/engine"
	"postern/workflows"
)

// heardBook is a book whose portal people has nobody but these workflows and landings to tell its people anything.
func heardBook(t *testing.T, signIn string, files map[string]string) map[string]string {
	t.Helper()
	book := portalBook(t, "portal: people\nsubject: { module: Folk, login: email, active: me.firm != \"\" }\n"+
		"sign_in: { methods: ["+signIn+"] }\nroles:\n  default:\n"+
		"    Folk: { rows: record.id == me.id, read: [email] }\n")
	maps.Copy(book, files)
	return book
}

// onPortal is a workflow on events of portals.
func onPortal(events, condition string) string {
	text := "name: told\non:\n"
	for event := range strings.FieldsSeq(events) {
		text += "  - { event: portal." + event + ", module: Folk }\n"
	}
	if condition != "" {
		text += "if: " + condition + "\n"
	}
	return text + "tasks: [ emit: { type: somebody.told } ]\n"
}

func TestPortalsThatTellNobodyAreDoubted(t *testing.T) {
	const mine, theirs = `event.data.portal == "people"`, `event.data.portal == "others"`
	password := map[string]string{"landings/in.yaml": "landing: in\nmodule: Folk\nportal: people\nopens: password\n"}
	for name, c := range map[string]struct {
		signIn, workflow string
		landings         map[string]string
		want             []string
	}{
		"nobody":           {"password, link", "", nil, []string{"unheard"}},
		"passkeys alone":   {"passkey", "", nil, nil},
		"by condition":     {"password", onPortal("invited recovery", mine), password, nil},
		"by none":          {"password", onPortal("invited recovery", ""), password, nil},
		"another portal":   {"password", onPortal("invited recovery", theirs), password, []string{"unheard"}},
		"perhaps":          {"password", onPortal("invited recovery", theirs+` or record.role == "x"`), password, nil},
		"one of two":       {"password", onPortal("invited", mine), password, []string{"unheard"}},
		"one of methods":   {"password, link", onPortal("invited recovery", mine), password, []string{"unheard"}},
		"without landing":  {"password", onPortal("invited recovery", mine), nil, []string{"no-landing"}},
		"link, no landing": {"link", onPortal("signin_asked", mine), nil, []string{"no-landing"}},
	} {
		book := heardBook(t, c.signIn, c.landings)
		if c.workflow != "" {
			book["told.yaml"] = c.workflow
		}
		_, complaints, _ := workflows.LoadFiles(book, options())
		var got []string
		for _, complaint := range complaints {
			got = append(got, complaint.Code)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, complaints, c.want)
		}
	}
}

func TestHearingIsByEventModuleAndPortal(t *testing.T) {
	files := heardBook(t, "password, link", map[string]string{
		"told.yaml": onPortal("invited recovery locked", `event.data.portal in ["people", "others"]`),
	})
	files["portal/people.yaml"] = strings.Replace(files["portal/people.yaml"], "sign_in",
		"# lint: allow unheard: the test asks for it\n# lint: allow no-landing: nor is there one\nsign_in", 1)
	book := load(t, files)
	p := book.Portals["people"]
	if found := workflows.Hearing(book, p, engine.PortalInvited); len(found) != 1 || found[0].Name != "told" {
		t.Errorf("invited: %v", found)
	}
	others := *p
	others.Name = "strangers"
	if found := workflows.Hearing(book, &others, engine.PortalInvited); len(found) > 0 {
		t.Errorf("another portal: %v", found)
	}
	var unheard []string
	for _, m := range workflows.Unheard(book, p) {
		unheard = append(unheard, m.Event)
	}
	want := []string{
		engine.PortalSignInAsked, engine.PortalPasswordSet, engine.PortalAddressChanged, engine.PortalFactorSet,
		engine.PortalNewDevice,
	}
	if !slices.Equal(unheard, want) {
		t.Errorf("unheard: %v, want %v", unheard, want)
	}
}

// A copy of a workflow for another portal still has the landing of the first one.
func TestLinksIntoAnotherPortalAreDoubted(t *testing.T) {
	for condition, want := range map[string]int{"people": 0, "others": 1} {
		book := heardBook(t, "passkey, link", map[string]string{
			"landings/in.yaml": "landing: in\nmodule: Folk\nportal: people\nopens: sign_in\n",
			"told.yaml":        onPortal("signin_asked", `event.data.portal == "people"`),
			"copied.yaml": "name: copied\non: { event: portal.signin_asked, module: Folk }\n" +
				`if: event.data.portal == "` + condition + "\"\n" +
				"tasks: [ notify: { to: record, via: email, template: in, link: { landing: in } } ]\n",
			"templates/in/email.en.subject": "In",
			"templates/in/email.en.txt":     "{{ link }}",
		})
		_, complaints, _ := workflows.LoadFiles(book, options())
		if len(complaints) != want || want > 0 && complaints[0].Code != "other-portal" {
			t.Errorf("for %s: %v", condition, complaints)
		}
	}
}
