package workflows_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"postern/engine"
	"postern/workflows"
)

// keeping is a task that keeps what its value was compiled to.
type keeping struct {
	Value string `yaml:"value,required"`
	into  *engine.Program
}

func (k *keeping) Check(scope engine.CheckScope)                  { *k.into = scope.Text("value") }
func (k *keeping) Run(context.Context, *engine.StepContext) error { return nil }

// In a value stands what is random, from the source that the engine hands in, and hashes by its secrets.
func TestChanceAndSecretsInValues(t *testing.T) {
	var program engine.Program
	with := options()
	with.Tasks = append(with.Tasks, engine.TaskKind{
		Name: "keep", New: func() engine.Task { return &keeping{into: &program} },
	})
	book := smallBook(t)
	book["chance.yaml"] = `name: chance
on: { event: record.created, module: Tickets }
tasks:
  - keep: { value: '{{ random(64) }} {{ hmac("rates", "what do ya want for nothing?")[:8] }}' }
`
	if _, complaints, _ := workflows.LoadFiles(book, with); len(complaints) > 0 {
		t.Fatal(complaints)
	}
	env := &engine.Env{
		Random: bytes.NewReader(make([]byte, 16)),
		Secret: func(name string) ([]byte, bool) { return []byte("Jefe"), name == "rates" },
		Module: &engine.Module{},
	}
	if got, err := program.Eval(env); err != nil || got != "aaaaaaaaaaaaa 5bdcc146" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := program.Eval(&engine.Env{Module: &engine.Module{}}); err == nil ||
		!strings.Contains(err.Error(), "there is nothing random here") {
		t.Errorf("without a source: %v", err)
	}
}
