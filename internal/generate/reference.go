package main

import (
	"fmt"
	"reflect"

	"postern/channels"
	"postern/engine"
	"postern/tasks"
)

// example is the whole configuration of a small house; a test of cmd/postern reads it from the page.
const example = `book: book                # beside this file; leave it out to run the shipped book
data: /var/lib/postern
web:
  listen: 127.0.0.1:8480
  base_url: https://go.acme.example
  brand: Acme Support
channels:
  email:
    host: smtp.acme.example
    user: postern
    password: { file: /etc/postern/smtp-password }
    from: Acme Support <support@acme.example>
crm:                      # leave it out to work on the copies that the events feed
  kind: corebos
  url: https://crm.acme.example/
  user: postern
  access_key: { env: COREBOS_ACCESS_KEY }
api:
  keys:
    crm: { env: POSTERN_CRM_KEY }
log: json
`

// What stands on the pages before the kinds.
const (
	tasksIntro = "What a step of a workflow can do, by the key that names it under `tasks:`. " +
		"A duration is written `30s`, `1h30m` or `14d`.\n\n"
	channelsIntro = "How messages leave. A channel is an entry under `channels:` in the " +
		"[configuration](configuration.md). The entry's name is what workflows say in `via`, and its kind too, " +
		"unless `kind:` names another. A duration is written `30s`, `1h30m` or `14d`; a secret says where it is " +
		"and never what it is: see [secrets](configuration.md#secrets). The [guide](../guide/channels.md) has an " +
		"example of each, and a first message by each kind.\n\n" +
		"Beside the keys of its kind an entry may have these:\n\n" +
		"| key | type | what |\n| --- | --- | --- |\n" +
		"| `kind` | text | What carries the messages, where the entry's name does not say it: " +
		"`bulk: {kind: email, …}`. |\n" +
		"| `rate` | rate | The most that the provider takes: `10/s`, `600/m`, `3000/h` or `50000/d`, evenly, with a " +
		"burst of what one second allows. What is beyond that waits. |\n" +
		"| `budget` | rate | How many messages may leave by the channel, whoever asks for them: `500/d`. The others " +
		"wait. At most 10,000. |\n" +
		"| `providers` | mapping | Several accounts of the same kind by name, in order, each with the keys of the " +
		"kind and a `rate` of its own. The next one takes a message that the one before could not take. Beside it " +
		"stand `kind`, `rate` and `budget` alone. |\n\n"
	configurationIntro = "`postern serve --config postern.yaml` reads one YAML file. Every key has a default but " +
		"those of the [channels](channels.md), of which there must be one. Paths are relative to the file's " +
		"folder.\n\n"
)

// kind is a kind of task or channel.
type kind struct {
	name, summary, example string
	plugin                 any // with its defaults
}

// reference returns the text of every page by its path in the module.
func reference(root string) (map[string]string, error) {
	src := newSource(root)
	taskPage, err := kindsPage(src, "Tasks", tasksIntro, taskKinds())
	if err != nil {
		return nil, err
	}
	channelPage, err := kindsPage(src, "Channels", channelsIntro, channelKinds())
	if err != nil {
		return nil, err
	}
	configuration, err := configurationPage(src)
	if err != nil {
		return nil, err
	}
	book, err := bookPage(src)
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"docs/reference/book.md":          book,
		"docs/reference/tasks.md":         taskPage,
		"docs/reference/channels.md":      channelPage,
		"docs/reference/configuration.md": configuration,
		"docs/reference/functions.md":     functionsPage(),
	}, nil
}

func taskKinds() (kinds []kind) {
	for _, k := range tasks.Kinds() {
		kinds = append(kinds, kind{k.Name, k.Summary, "tasks:\n" + indent("- ", k.Example), k.New()})
	}
	return kinds
}

func channelKinds() (kinds []kind) {
	for _, k := range channels.Kinds() {
		text := "channels:\n  " + k.Name + ":\n" + indent("  ", k.Example)
		kinds = append(kinds, kind{k.Name, k.Summary, text, k.New()})
	}
	return kinds
}

func kindsPage(src *source, title, intro string, kinds []kind) (string, error) {
	p := newPage(title, intro)
	for _, k := range kinds {
		p.item(k.name, k.summary)
	}
	for _, k := range kinds {
		plugin := reflect.TypeOf(k.plugin).Elem()
		s, err := src.find(plugin.PkgPath(), plugin.Name())
		if err != nil {
			return "", fmt.Errorf("%s: %w", k.name, err)
		}
		rows, err := src.rows(s, "", filled(reflect.ValueOf(k.plugin).Elem()))
		if err != nil {
			return "", fmt.Errorf("%s: %w", k.name, err)
		}
		p.section(k.name, s.doc)
		p.code(k.example)
		p.table(rows)
	}
	return p.String(), nil
}

// configurationPage reads the struct of the command, which cannot be imported, and its defaults from the source.
func configurationPage(src *source) (string, error) {
	const command = "postern/cmd/postern"
	s, err := src.find(command, "config")
	if err != nil {
		return "", err
	}
	defaults, err := src.returned(command, "defaultConfig")
	if err != nil {
		return "", err
	}
	parts, err := src.parts(s, defaults)
	if err != nil {
		return "", err
	}
	p := newPage("Configuration", configurationIntro)
	p.code(example)
	for _, part := range parts {
		p.section(part.title, part.doc)
		p.table(part.rows)
	}
	secret, err := src.find("postern/engine", reflect.TypeFor[engine.Secret]().Name())
	if err != nil {
		return "", err
	}
	rows, err := src.rows(secret, "", nil)
	if err != nil {
		return "", err
	}
	p.section("Secrets", secret.doc)
	p.code("password: { env: SMTP_PASSWORD }\n# or\npassword: { file: /etc/postern/smtp-password }")
	p.table(rows)
	return p.String(), nil
}
