package exprsafe

import "testing"

const typical = `record.status == "Open" && record.amount > 1000 && record.title matches "^Pri" &&
	"a" in record.tags && record.parent_id.email != ""`

func BenchmarkCondition(b *testing.B) {
	p, fail := Compile(typical, world(), Bool)
	if fail != nil {
		b.Fatal(fail)
	}
	env := full()
	env[EnvRoutes] = map[string]map[string]any{"parent_id": {"email": "ann@example.org"}}
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := p.Bool(env); err != nil || !ok {
			b.Fatal(ok, err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	scope := world()
	b.ReportAllocs()
	for b.Loop() {
		if _, fail := Compile(typical, scope, Bool); fail != nil {
			b.Fatal(fail)
		}
	}
}

func BenchmarkText(b *testing.B) {
	text, fail := CompileText(`Ticket {{ record.title }} ({{ record.status }}): {{ record.amount }}`, world())
	if fail != nil {
		b.Fatal(fail)
	}
	env := full()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := text.Render(env); err != nil {
			b.Fatal(err)
		}
	}
}
