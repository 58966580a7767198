package typist

import (
	"context"
	"fmt"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// controls unfolds a page and finds what can be used on it. Of radio buttons with one name the tab key comes to one.
const controls = `{
	document.querySelectorAll("details").forEach(d => d.open = true);
	const usable = "a[href], button, input:not([type=hidden]), select, textarea, summary";
	window.left = [...document.querySelectorAll(usable)].filter(c => c.checkVisibility() && !c.disabled);
	window.blind = [];
	window.left.length;
}`

// reached takes the control that has the focus from those that are left, and tells how many these are then.
const reached = `(at => {
	const same = c => c === at || (at.type === "radio" && c.type === "radio" && c.name === at.name);
	if (at !== document.body && getComputedStyle(at).outlineStyle === "none") window.blind.push(at.outerHTML);
	window.left = window.left.filter(c => !same(c));
	return window.left.length;
})(document.activeElement)`

// tabsForControl is how often the tab key may have to be pressed for one control: a date has a day, a month, a year
// and a calendar.
const tabsForControl = 5

// Unreached goes through the page of a tab by the tab key, with scripts switched off and everything unfolded. It tells
// what it never comes to, and where the focus cannot be seen.
func Unreached(ctx context.Context) ([]string, error) {
	// Several tabs have no focus at the same time otherwise.
	focus := emulation.SetFocusEmulationEnabledParams{Enabled: true}
	if _, err := chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, focus); err != nil {
		return nil, fmt.Errorf("give the tab the focus: %w", err)
	}
	if err := chromedp.Do(ctx, chromedp.Func(NoScripts), chromedp.Reload()); err != nil {
		return nil, fmt.Errorf("switch scripts off: %w", err)
	}
	left, err := chromedp.Run(ctx, chromedp.Evaluate[int](controls))
	for range tabsForControl*left + 1 {
		if err != nil || left == 0 {
			break
		}
		if err = chromedp.Do(ctx, chromedp.KeyEvent("\t")); err == nil {
			left, err = chromedp.Run(ctx, chromedp.Evaluate[int](reached))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("press the tab key: %w", err)
	}
	return chromedp.Run(ctx, chromedp.Evaluate[[]string](`[
		...window.left.map(c => "the tab key never comes to " + c.outerHTML),
		...window.blind.map(c => "the focus cannot be seen on " + c),
	]`))
}
