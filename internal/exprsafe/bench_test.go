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

// BenchmarkFunctions evaluates calls of the functions that do most beside the machine.
func BenchmarkFunctions(b *testing.B) {
	for name, src := range map[string]string{
		"sum of decimals":  `record.amount + 0.1 > 1200.55`,
		"hour in a zone":   `hour(inZone(now(), "Europe/Madrid")) >= 9`,
		"days to a date":   `daysBetween(today("Europe/Madrid"), record.due) <= 7`,
		"business days":    `addBusinessDays(record.due, 10, ["12-25", "01-01"]) > now()`,
		"number in nl":     `formatNumber(record.amount, 2, "nl") == "1.200,50"`,
		"date in es":       `formatDate(record.due, "long", "es") == "3 de marzo de 2026"`,
		"replaced pattern": `replacePattern(record.title, "[^a-zA-Z]+", "-") == "Printer-caf-"`,
		"hmac":             `len(hmac("rates", record.title)) == 64`,
	} {
		b.Run(name, func(b *testing.B) {
			p, fail := Compile(src, world(), Bool)
			if fail != nil {
				b.Fatal(fail)
			}
			env := full()
			b.ReportAllocs()
			for b.Loop() {
				if ok, err := p.Bool(env); err != nil || !ok {
					b.Fatal(ok, err)
				}
			}
		})
	}
}

// BenchmarkCompileFunctions compiles what looks up many functions.
func BenchmarkCompileFunctions(b *testing.B) {
	scope := world()
	b.ReportAllocs()
	for b.Loop() {
		if _, fail := Compile(`join(sort(uniq(split(lower(trim(record.title)), " "))), ", ")`, scope, Text); fail != nil {
			b.Fatal(fail)
		}
	}
}
