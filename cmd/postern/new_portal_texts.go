package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"postern/workflows"
)

// texts writes the templates of these names, and the layout and partials that they use.
func (m mailing) texts(names []string) error {
	layout := !m.hasPages()
	var used strings.Builder
	for _, name := range names {
		folder := "templates/" + name
		if _, err := os.Stat(m.at(folder)); err == nil {
			continue // the texts of another portal do for this one
		}
		text, err := m.folder(folder)
		if err != nil {
			return err
		}
		used.WriteString(text)
	}
	if used.Len() == 0 {
		return nil
	}
	if layout {
		text, err := m.stock("layouts/email.html")
		if err != nil {
			return err
		}
		used.WriteString(text)
	}
	return m.partials(used.String())
}

// hasPages tells whether the book has mails of HTML already, or a layout for some.
func (m mailing) hasPages() bool {
	for _, pattern := range []string{"templates/*/*.html", "layouts/*"} {
		if found, _ := filepath.Glob(m.at(pattern)); len(found) > 0 { // the pattern is in order
			return true
		}
	}
	return false
}

// folder writes a folder of texts, and returns what they say.
func (m mailing) folder(name string) (string, error) {
	files, err := fs.Glob(workflows.Shipped, name+"/*")
	if err != nil {
		return "", err
	}
	var all strings.Builder
	for _, file := range files {
		text, err := fs.ReadFile(workflows.Shipped, file)
		if err == nil {
			err = m.write(file, text)
		}
		if err != nil {
			return "", err
		}
		all.Write(text)
	}
	_, err = fmt.Fprintf(m.out, "%s written, in %s\n", m.at(name), counted(len(files), "file"))
	return all.String(), err
}

var partialUse = regexp.MustCompile(`partial "([a-z]+)"`)

// partials writes those that texts use.
func (m mailing) partials(texts string) error {
	for _, use := range partialUse.FindAllStringSubmatch(texts, -1) {
		files, err := fs.Glob(workflows.Shipped, "partials/"+use[1]+".*")
		if err != nil {
			return err
		}
		for _, file := range files {
			if _, err := m.stock(file); err != nil {
				return err
			}
		}
	}
	return nil
}

// stock writes a file as the shipped book has it, unless the book has one.
func (m mailing) stock(name string) (string, error) {
	text, err := fs.ReadFile(workflows.Shipped, name)
	if err != nil {
		return "", fmt.Errorf("read the shipped book: %w", err)
	}
	if _, err := os.Stat(m.at(name)); err == nil {
		return string(text), nil
	}
	if err := m.write(name, text); err != nil {
		return "", err
	}
	_, err = fmt.Fprintf(m.out, "%s written\n", m.at(name))
	return string(text), err
}

// at is where a file of the book is.
func (m mailing) at(name string) string { return filepath.Join(m.book, filepath.FromSlash(name)) }
