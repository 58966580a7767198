package corebosimport

import (
	"html"
	"regexp"
	"strings"
)

var (
	htmlHidden  = regexp.MustCompile(`(?is)<(style|script|head|title)\b[^>]*>.*?</(style|script|head|title)>`)
	htmlComment = regexp.MustCompile(`(?s)<!--.*?-->`)
	htmlLink    = regexp.MustCompile(`(?is)<a\b[^>]*\bhref\s*=\s*["']([^"']*)["'][^>]*>(.*?)</a>`)
	htmlBreak   = regexp.MustCompile(`(?i)<br\s*/?>|</(div|tr)>`)
	htmlEnd     = regexp.MustCompile(`(?i)</(p|h[1-6]|ul|ol|table|blockquote)>`)
	htmlItem    = regexp.MustCompile(`(?i)<li\b[^>]*>`)
	htmlItemEnd = regexp.MustCompile(`(?i)</li>`)
	htmlCell    = regexp.MustCompile(`(?i)</t[dh]>`)
	htmlTag     = regexp.MustCompile(`(?s)<[^<>]*>`)
	htmlAny     = regexp.MustCompile(`(?i)<(p|br|div|table|span|a|b|strong|i|em|html|body|ul|ol|li|h[1-6]|img)\b`)
	manySpaces  = regexp.MustCompile(`[ \t\x{a0}]+`)
	manyBreaks  = regexp.MustCompile(`\n{3,}`)
)

// isHTML tells whether a message was written in an editor for HTML.
func isHTML(text string) bool { return htmlAny.MatchString(text) }

// plainText is what HTML says without its looks: paragraphs as lines, links with their address.
func plainText(source string) string {
	source = htmlComment.ReplaceAllString(htmlHidden.ReplaceAllString(source, ""), "")
	source = strings.Join(strings.Fields(strings.ReplaceAll(source, "\u00a0", " ")), " ")
	source = htmlLink.ReplaceAllStringFunc(source, func(link string) string {
		m := htmlLink.FindStringSubmatch(link)
		if text := strings.TrimSpace(htmlTag.ReplaceAllString(m[2], "")); text != "" && text != m[1] {
			return text + ": " + m[1]
		}
		return m[1]
	})
	source = htmlBreak.ReplaceAllString(source, "\n")
	source = htmlEnd.ReplaceAllString(source, "\n\n")
	source = htmlItem.ReplaceAllString(source, "\n- ")
	source = htmlItemEnd.ReplaceAllString(source, "")
	source = htmlCell.ReplaceAllString(source, " ")
	return tidy(html.UnescapeString(htmlTag.ReplaceAllString(source, "")))
}

// chatText is HTML as the original sends it to WhatsApp and OneSignal: bold in * and italics in _.
func chatText(source string) string {
	marks := strings.NewReplacer("<strong>", "*", "</strong>", "*", "<em>", "_", "</em>", "_")
	return plainText(marks.Replace(source))
}

func tidy(text string) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		lines = append(lines, strings.TrimSpace(manySpaces.ReplaceAllString(line, " ")))
	}
	return strings.TrimSpace(manyBreaks.ReplaceAllString(strings.Join(lines, "\n"), "\n\n"))
}
