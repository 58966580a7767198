package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"postern/engine"
	"postern/internal/render"
	"postern/internal/sms"
)

// shownAs is a message with what is known of its channel.
func shownAs(t *render.Template, name, channel string, content engine.Content) previewed {
	p := previewed{Template: name, Channel: channel, Kind: t.Kind(channel), Content: content}
	if p.Kind == "sms" {
		p.Segments = sms.Measure(content.Text).Segments
	}
	p.ApprovedText = t.ApprovedText(content.Language, content.Approved)
	return p
}

func printPreview(out io.Writer, all []previewed, o previewOptions) error {
	if o.json {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(all)
	}
	var b strings.Builder
	for i, p := range all {
		if i > 0 {
			b.WriteString("\n")
		}
		p.tell(&b, o.html)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// tell writes a message for people.
func (p previewed) tell(b *strings.Builder, file string) {
	fmt.Fprintf(b, "%s by %s in %s\n", p.Template, p.Channel, p.Language)
	switch {
	case p.Subject != "" && (p.Kind == "email" || p.Kind == "webhook"):
		fmt.Fprintf(b, "  subject: %s\n", p.Subject)
	case p.Subject != "":
		fmt.Fprintf(b, "  title: %s\n", p.Subject)
	}
	if p.Approved != nil {
		p.tellApproved(b)
	}
	if p.Text != "" {
		if p.Approved != nil {
			b.WriteString("\n  free text, while a conversation is open:\n")
		}
		b.WriteString("\n")
		indent(b, p.Text)
		b.WriteString("\n")
	}
	switch {
	case p.Kind == "sms":
		b.WriteString("  " + segments(p.Text) + "\n")
	case p.HTML != "" && file != "":
		fmt.Fprintf(b, "  HTML: written to %s\n", file)
	case p.HTML != "":
		fmt.Fprintf(b, "  HTML: %s; --html mail.html writes it to a file\n", counted(len(p.HTML), "byte"))
	case p.Text == "" && p.Approved == nil:
		b.WriteString("  no text: the channel makes a message of its own\n")
	}
	if p.Link != "" && p.Kind != "email" && p.Kind != "sms" {
		fmt.Fprintf(b, "  link: %s\n", p.Link)
	}
}

func (p previewed) tellApproved(b *strings.Builder) {
	fmt.Fprintf(b, "  approved text %s\n", p.Approved.ID)
	for _, number := range slices.Sorted(maps.Keys(p.Approved.Variables)) {
		fmt.Fprintf(b, "    {{%s}} %s\n", number, p.Approved.Variables[number])
	}
	if p.ApprovedText != "" {
		b.WriteString("\n")
		indent(b, p.ApprovedText)
	}
}

func indent(b *strings.Builder, text string) {
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		b.WriteString(strings.TrimRight("  "+line, " ") + "\n")
	}
}

// segments tells what a text costs as an SMS.
func segments(text string) string {
	count := sms.Measure(text)
	told := fmt.Sprintf("%s of SMS, %d units of GSM-7", counted(count.Segments, "segment"), count.Units)
	if count.Unicode {
		told = fmt.Sprintf("%s of SMS, %d units of UTF-16, since GSM-7 has no %q", counted(count.Segments, "segment"),
			count.Units, count.Odd)
	}
	return told
}
