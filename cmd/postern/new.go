package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"postern/engine"
	"postern/workflows"
)

func newCommand() *cobra.Command {
	cmd := chooses(&cobra.Command{
		Use:   "new",
		Short: "Begin a book, or a file of one",
		Long: `New writes a file with comments to begin with, which lint finds in order. It overwrites nothing.
A workflow gets the text of its message and a test too, and a landing is linked from it if there
is one for its module. A portal gets the workflows that mail its people: invitation, lost password, link
to sign in, and word of what happens to their account; with tests, landings and texts in English, Spanish
and Dutch. For a portal that is there already it writes what it lacks of these.`,
		Example: `  postern new book ./book
  postern new module Invoice --book ./book
  postern new workflow invoice-created --module Invoice --book ./book
  postern new portal clients --module Contacts --book ./book`,
	})
	for _, kind := range []struct {
		use, short string
		about      bool // a module
		write      func(*beginning, string) error
	}{
		{"book FOLDER", "Begin a book: two modules, a landing and a workflow", false, (*beginning).newBook},
		{"workflow NAME", "Begin a workflow and the text of its message", true, (*beginning).newWorkflow},
		{"module NAME", "Begin a module", false, (*beginning).newModule},
		{"landing NAME", "Begin a landing", true, (*beginning).newLanding},
		{"factor NAME", "Begin a factor: what a visitor proves beside the link", true, (*beginning).newFactor},
		{"portal NAME", "Begin a portal: who may sign in, what they see, their mails", true, (*beginning).newPortal},
	} {
		b := &beginning{}
		what, argument, _ := strings.Cut(kind.use, " ")
		child := &cobra.Command{
			Use: kind.use, Short: kind.short,
			Args: func(cmd *cobra.Command, args []string) error {
				if len(args) == 1 {
					return nil
				}
				return fmt.Errorf("%s takes one %s, found %d; see `%[1]s --help`",
					cmd.CommandPath(), strings.ToLower(argument), len(args))
			},
			RunE: func(cmd *cobra.Command, args []string) error {
				b.out = cmd.OutOrStdout()
				if err := kind.write(b, args[0]); err != nil {
					return err
				}
				_, err := fmt.Fprintf(b.out, "next: read them, then postern lint %[1]s and postern test %[1]s\n",
					b.book)
				return err
			},
		}
		if what != "book" {
			child.Flags().StringVar(&b.book, "book", "book", "folder of the book")
		}
		if kind.about {
			child.Flags().StringVar(&b.module, "module", "", "the kind of record that it is about")
			child.Flags().StringVarP(&b.config, "config", "c", "",
				"configuration file: channels, secrets and calls of the book")
		}
		cmd.AddCommand(child)
	}
	return cmd
}

// beginning is one new on its way.
type beginning struct {
	book   string
	module string // as asked for
	config string // file; "" for none
	out    io.Writer
}

// newBook begins a book in a folder that has none.
func (b *beginning) newBook(folder string) error {
	b.book = folder
	if found, err := filepath.Glob(filepath.Join(folder, "*")); err != nil || len(found) > 0 {
		return fmt.Errorf("%s is not empty; a new book begins in a folder of its own", folder)
	}
	for _, name := range []string{"Contacts", "Tickets"} {
		if err := b.put("modules/"+name+".yaml", starter("modules/"+name+".yaml"), nil); err != nil {
			return err
		}
	}
	b.module = "Tickets"
	if err := b.newLanding("ticket"); err != nil {
		return err
	}
	return b.newWorkflow("ticket-created")
}

// newModule begins a module.
func (b *beginning) newModule(name string) error {
	if !engine.PlainToken(name) {
		return fmt.Errorf("%q is no name for a module: it may hold only letters, digits, - and _", name)
	}
	if there := describedIn(b.book)[name]; there != "" {
		return fmt.Errorf("%s is described already, in %s", name, there)
	}
	return b.put("modules/"+name+".yaml", starter("module.yaml"), struct{ Name string }{name})
}

// newWorkflow begins a workflow, with the texts of its message if its module leads to somebody.
func (b *beginning) newWorkflow(name string) error {
	about, err := b.about(name)
	if err != nil {
		return err
	}
	about.address()
	about.landing()
	if err := b.put(name+".yaml", starter("workflow.yaml"), about); err != nil {
		return err
	}
	if about.To != "" {
		for _, text := range []string{"email.en.subject", "email.en.txt"} {
			if err := b.put("templates/"+name+"/"+text, starter(text), about); err != nil {
				return err
			}
		}
	}
	return b.put(name+".test.yaml", starter("test.yaml"), about)
}

// newLanding begins a landing.
func (b *beginning) newLanding(name string) error {
	about, err := b.about(name)
	if err != nil {
		return err
	}
	about.form()
	return b.put("landings/"+name+".yaml", starter("landing.yaml"), about)
}

// newFactor begins a factor.
func (b *beginning) newFactor(name string) error {
	about, err := b.about(name)
	if err != nil {
		return err
	}
	if about.address(); about.To == "" {
		return fmt.Errorf("%s leads to nobody with an address, so nothing can be sent to prove a visitor: "+
			"write factors/%s.yaml with kind: security_code", about.Module.Name, name)
	}
	return b.put("factors/"+name+".yaml", starter("factor.yaml"), about)
}

// about is what a new file is about: a module of the book.
func (b *beginning) about(name string) (*subject, error) {
	book, err := b.load(name)
	if err != nil {
		return nil, err
	}
	return b.aboutIn(name, book)
}

// load reads the book that a file of a name is to be added to.
func (b *beginning) load(name string) (*engine.Book, error) {
	if !workflows.PlainName(name) {
		return nil, fmt.Errorf("%q is no name here: it may hold only small letters, digits and -", name)
	}
	if _, err := os.Stat(b.book); err != nil {
		return nil, fmt.Errorf("open book: there is no folder %s; `postern new book %[1]s` makes one", b.book)
	}
	c, err := loadConfig(b.config)
	if err != nil {
		return nil, err
	}
	options := c.bookOptions()
	options.KeepAll, options.Shipped = true, false
	book, diags, sources := workflows.Load(os.DirFS(b.book), options)
	if book == nil {
		return nil, complaints{diags, sources}
	}
	return book, nil
}

// aboutIn is about, in a book that is loaded.
func (b *beginning) aboutIn(name string, book *engine.Book) (*subject, error) {
	names := slices.Sorted(maps.Keys(book.Modules))
	switch {
	case len(names) == 0:
		return nil, errors.New("the book describes no module yet: `postern new module` begins one")
	case b.module == "" && len(names) > 1:
		return nil, fmt.Errorf("about which kind of record? --module %s", strings.Join(names, ", --module "))
	case b.module == "":
		b.module = names[0]
	case book.Modules[b.module] == nil:
		return nil, fmt.Errorf("the book describes no module %s; there is %s", b.module, strings.Join(names, ", "))
	}
	about := newSubject(name, book, book.Modules[b.module])
	about.Book = b.book
	return about, nil
}
