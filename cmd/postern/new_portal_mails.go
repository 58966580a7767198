package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"postern/engine"
	"postern/workflows"
)

// shippedMail is the workflow of the shipped book on an event of portals; its template has the same name.
func shippedMail(event string) string {
	return map[string]string{
		engine.PortalInvited:        "portal-invitation",
		engine.PortalRecovery:       "portal-recovery",
		engine.PortalSignInAsked:    "portal-sign-in",
		engine.PortalPasswordSet:    "portal-password-set",
		engine.PortalAddressChanged: "portal-address-changed",
		engine.PortalFactorSet:      "portal-factor-set",
		engine.PortalNewDevice:      "portal-new-device",
		engine.PortalLocked:         "portal-locked",
	}[event]
}

// shippedLanding is the landing of the shipped book that leads into the portal customers.
func shippedLanding(what engine.OpensWhat) string {
	return map[engine.OpensWhat]string{
		engine.OpensPassword: "portal-password", engine.OpensSignIn: "portal-sign-in",
	}[what]
}

// mailing writes what mails people of a portal, as far as a book lacks it: the workflows of the shipped portal
// customers with their tests, landings, texts and what stands around these.
type mailing struct {
	*beginning
	in     *engine.Book // as it is
	portal *engine.Portal
}

// all writes all that is missing.
func (m mailing) all() error {
	if longest := "portal-address-changed-" + m.portal.Name; !workflows.PlainName(longest) {
		return fmt.Errorf("%s is too long for the name of a portal: its workflows are called like %s, in at most 64 "+
			"characters", m.portal.Name, longest)
	}
	landings := map[engine.OpensWhat]string{}
	for _, message := range m.portal.Messages() {
		if message.Opens != "" && landings[message.Opens] == "" {
			name, err := m.landing(message.Opens)
			if err != nil {
				return err
			}
			landings[message.Opens] = name
		}
	}
	var texts []string
	for _, message := range workflows.Unheard(m.in, m.portal) {
		if err := m.workflow(message, landings[message.Opens]); err != nil {
			return err
		}
		texts = append(texts, shippedMail(message.Event))
	}
	return errors.Join(m.texts(texts), putSchemas(m.book))
}

// landing is the one that leads into the portal, written if there is none.
func (m mailing) landing(what engine.OpensWhat) (string, error) {
	for _, name := range slices.Sorted(maps.Keys(m.in.Landings)) {
		if opens := m.in.Landings[name].Opens; opens != nil && opens.Portal == m.portal.Name && opens.What == what {
			return name, nil
		}
	}
	from := shippedLanding(what)
	name := from + "-" + m.portal.Name
	return name, m.copied("landings/"+from+".yaml", "landings/"+name+".yaml", m.renamed(from, name))
}

// workflow writes the one that sends a message, and its test.
func (m mailing) workflow(message engine.PortalMessage, landing string) error {
	from := shippedMail(message.Event)
	name := from + "-" + m.portal.Name
	change := func(text string) string {
		text = strings.Replace(m.renamed("landing: "+shippedLanding(message.Opens), "landing: "+landing)(text),
			"name: "+from+"\n", "name: "+name+"\n", 1)
		if strings.Contains(text, "\nif: ") {
			return text
		}
		return strings.Replace(text, "\ntasks:", "\nif: event.data.portal == \""+m.portal.Name+"\"\ntasks:", 1)
	}
	if err := m.copied(from+".yaml", name+".yaml", change); err != nil {
		return err
	}
	return m.copied(from+".test.yaml", name+".test.yaml", m.retold)
}

// renamed puts the portal and its module in the place of the shipped ones, and one word more.
func (m mailing) renamed(old, now string) func(string) string {
	module := m.portal.Subject.Module.Name
	return strings.NewReplacer(
		old, now, "Contacts", module, `"customers"`, `"`+m.portal.Name+`"`, "portal: customers",
		"portal: "+m.portal.Name, "a contact", "somebody", "A contact", "Somebody",
	).Replace
}

var (
	testRecord   = regexp.MustCompile(`(?m)^(  Contacts/12x1: )\{.*\}$`)
	testLabel    = regexp.MustCompile(`, label: ([^,}]*[^,} ])`)
	testLanguage = regexp.MustCompile(`, language: \w+, subject: [^,}]*[^,} ]`)
)

// retold is a shipped test about a record that has an address and nothing else.
func (m mailing) retold(text string) string {
	email := fieldOf(m.portal.Subject.Module, engine.TypeEmail)
	text = testRecord.ReplaceAllString(text, "${1}{ "+email+": zoe@acme.example }")
	text = testLanguage.ReplaceAllString(text, "")
	if label := testLabel.FindStringSubmatch(text); label != nil {
		text = strings.ReplaceAll(text, label[1], m.portal.Name)
	}
	text = strings.ReplaceAll(text, "/portal/customers/", "/portal/"+m.portal.Name+"/")
	return m.renamed("data: { portal: partners }", "data: { portal: another-one }")(text)
}

// copied writes a file of the book as the shipped one is, changed. What is there already stays.
func (m mailing) copied(from, to string, change func(string) string) error {
	text, err := fs.ReadFile(workflows.Shipped, from)
	if err != nil {
		return fmt.Errorf("read the shipped book: %w", err)
	}
	file := m.at(to)
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		_, err = fmt.Fprintf(m.out, "%s is there already, and stays\n", file)
		return err
	}
	if err := m.write(to, []byte(change(string(text)))); err != nil {
		return err
	}
	_, err = fmt.Fprintf(m.out, "%s written\n", file)
	return err
}
