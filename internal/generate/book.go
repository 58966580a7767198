package main

import (
	"fmt"
	"slices"
	"strings"
)

const bookIntro = "What may stand in the files of a book that describe landings, factors, portals and modules. The " +
	"[guide](../guide/landings.md) explains them with examples; `postern lint` holds each file against the others. " +
	"A duration is written `30s`, `1h30m` or `14d`; a label is a text, or a text for each language.\n\n"

// bookPart is a section of the page: a struct of the loader.
type bookPart struct{ title, of, doc, example string }

func bookParts() []bookPart {
	return slices.Concat(landingParts(), portalParts(), moduleParts())
}

func landingParts() []bookPart {
	return []bookPart{
		{
			"Landing", "landingFile", "A file under `landings/`: what a link opens and what may be done there.",
			"landing: ticket\nmodule: HelpDesk\nshow: [ticket_title, ticketstatus]\n" +
				"edit: { description: { max: 2000 } }\nexpires: 14d",
		},
		{
			"Entry", "editFile", "What a visitor may enter, under `edit` and `ask`.",
			"edit:\n  photo: { type: file, max: 5MB, types: [image/jpeg], creates: Documents }",
		},
		{
			"Creation", "creationFile", "The mapping that `creates` of an entry may be.",
			"creates: { module: Documents, field: filename, by: cf_ticket, set: { notes_title: From a customer } }",
		},
		{
			"Action", "actionFile", "A button of a landing, under `actions`.",
			"actions:\n  resolve: { set: { ticketstatus: Resolved }, " +
				"if: record.ticketstatus != \"Closed\", undo: 15m }",
		},
		{
			"Factor", "factorFile", "A file under `factors/`: what a visitor has to prove beside the link.",
			"factor: pin\nkind: security_code\nfield: record.contact_id.cf_pin",
		},
	}
}

func portalParts() []bookPart {
	return []bookPart{
		{
			"Portal", "portalFile", "A file under `portal/`: who may sign in, and what they may see and do.",
			"portal: customers\nsubject: { module: Contacts, login: email, active: me.portal }\n" +
				"roles:\n  default:\n    Invoice: { rows: record.account_id == me.account_id, " +
				"read: [invoice_no, total] }",
		},
		{
			"Subject", "subjectFile", "Who may sign in to a portal, under `subject`.",
			"subject: { module: Contacts, login: email, active: me.portal, until: me.support_end_date, " +
				"zone: Europe/Madrid }",
		},
		{
			"Sign-in", "signInFile", "How people sign in, under `sign_in`.",
			"sign_in: { methods: [password, passkey, link], second_factor: optional, idle: 30m, most: 12h, " +
				"sessions: 5 }",
		},
		{
			"Role", "roleFile", "A role, under `roles`; beside `extends` its keys are modules.",
			"roles:\n  default: { Invoice: { rows: record.account_id == me.account_id, read: [invoice_no] } }\n" +
				"  manager: { extends: default, Invoice: { read: [invoice_no, total] } }",
		},
		{
			"Access", "accessFile", "What a role may do with the records of a module.",
			"HelpDesk:\n  rows: record.parent_id in [me.id, me.account_id]\n" +
				"  read: [ticket_no, ticket_title, description]\n  update: [description]",
		},
		{
			"Making", "makingFile", "How records are made, under `create` of an access.",
			"create: { fields: [ticket_title, description], set: { parent_id: \"{{ me.account_id }}\" } }",
		},
	}
}

func moduleParts() []bookPart {
	return []bookPart{
		{
			"Module", "moduleFile", "A file under `modules/`: what a kind of record looks like.",
			"module: Contacts\ntitle: [firstname, lastname]\nexternal_id: cf_externalid\n" +
				"fields: { firstname: text, lastname: text, cf_externalid: { type: text, unique: true } }",
		},
		{
			"Field", "fieldFile", "One entry under `fields`; a text alone is its type.",
			"fields:\n  status: { type: picklist, options: [Open, Closed], label: { en: Status, es: Estado } }",
		},
	}
}

// bookPage describes the files of a book by the structs that the loader decodes them into.
func bookPage(src *source) (string, error) {
	p := newPage("Files of a book", bookIntro)
	for _, part := range bookParts() {
		p.item(strings.ToLower(part.title), part.doc)
	}
	for _, part := range bookParts() {
		of, err := src.find("postern/workflows", part.of)
		if err != nil {
			return "", err
		}
		rows, err := src.rows(of, "", nil)
		if err != nil {
			return "", fmt.Errorf("%s: %w", part.of, err)
		}
		p.section(part.title, part.doc)
		p.code(part.example)
		p.table(rows)
	}
	return p.String(), nil
}

// formWords are how the forms of single values read in the page.
var formWords = map[string]string{
	"whole": "whole number", "labels": "label", "if": "condition", "size": "size of a file", "mediaType": "media type",
	"module": "name of a module", "factor": "name of a factor", "landing": "name of a landing", "number": "number",
	"word": "value", "engine.FieldType": "type of field", "engine.ChangedAddress": "send or refuse",
	"engine.FactorKind": "security_code, mail_token, code, totp, passkey or portal", "creationFile": "creation",
	"engine.OpensWhat": "password or sign_in", "engine.SignInMethod": "password, passkey or link",
	"engine.SecondFactor": "optional or required", "relatives": "names of modules", "nothing": "nothing",
	"accessFile": "access", "roleFile": "role", "bool": "true/false", "": "any value",
}

// spokenForm is how a tag of forms reads: whole number or size of a file.
func spokenForm(tag string) string {
	var forms []string
	for form := range strings.SplitSeq(tag, "|") {
		if word, ok := strings.CutPrefix(form, "'"); ok {
			form = strings.TrimSuffix(word, "'")
		} else if word, ok := formWords[form]; ok {
			form = word
		}
		forms = append(forms, form)
	}
	return strings.Join(forms, " or ")
}
