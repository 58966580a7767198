package typist

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/chromedp/chromedp"

	"postern/internal/peer"
)

// What can be asked of a page. Each answers with what is wrong.
const (
	// Usable opens what is folded away and asks for the rules of WCAG 2.2 AA and those of good practice, and TooWide.
	Usable = `(document.querySelectorAll("details").forEach(d => d.open = true),
axe.run(document, {resultTypes: ["violations"]}).then(` + found
	// Contrast asks for what colours alone decide, and TooWide.
	Contrast = `(axe.run(document, {runOnly: ["color-contrast"], resultTypes: ["violations"]}).then(` + found
	// TooWide asks for what is wider than the window.
	TooWide = `(wide => wide > innerWidth ? ["it is " + wide + " pixels wide in a window of " + innerWidth] : [])(
	document.documentElement.scrollWidth)`
)

// found answers with what axe has against the page.
const found = `found => {
	let list = found.violations.flatMap(v => v.nodes.map(n =>
		v.id + ": " + v.help + "\n" + n.html + "\n" + n.failureSummary));
	return list.concat(` + TooWide + `);
}))`

// Axe is the script of axe-core, which looks for what keeps people with disabilities from using a page.
type Axe string

// ReadAxe reads the script.
func ReadAxe(t *testing.T) Axe {
	t.Helper()
	script, err := os.ReadFile(peer.Axe(t))
	if err != nil {
		t.Fatal(err)
	}
	return Axe(script)
}

// Load brings it into the page of a tab.
func (a Axe) Load(ctx context.Context) error {
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[any](string(a)+";0")); err != nil {
		return fmt.Errorf("load axe: %w", err)
	}
	return nil
}

// Wrong asks something of a page that axe was loaded into, on a screen.
func Wrong(ctx context.Context, on Screen, check string) ([]string, error) {
	if err := chromedp.Do(ctx, chromedp.Func(on.Show)); err != nil {
		return nil, err
	}
	wrong, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](check, chromedp.EvalAwaitPromise))
	if err != nil {
		return nil, fmt.Errorf("run axe: %w", err)
	}
	return wrong, nil
}
