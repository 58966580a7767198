package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

const (
	tabs      = 4                // at the same time
	visitTime = 30 * time.Second // for all that happens in one tab
)

// findChromium returns the path of Chromium; "" where there is none, which may be an error.
func findChromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	if os.Getenv("POSTERN_REQUIRE") == "1" {
		return "", errors.New("chromium is not installed (make deps), and POSTERN_REQUIRE=1 lets nothing be left out")
	}
	return "", nil
}

// stop is where a scanner comes by: one of the links that a ticket's customer was sent.
type stop struct {
	n      int // of the ticket, from 0
	ticket *ticket
	link   string
}

// stops are all links of the tickets' own mails.
func stops(tickets []*ticket) (all []stop) {
	for n, t := range tickets {
		for _, link := range t.links {
			all = append(all, stop{n, t, link})
		}
	}
	return all
}

// browse runs a browser, and in it a tab with no past for each stop.
func browse(ctx context.Context, path string, stops []stop, visit func(context.Context, stop) error) error {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("disable-quic", true))
	allocator, end := chromedp.NewExecAllocator(ctx, options...)
	defer end()
	browser, closeBrowser := chromedp.NewContext(allocator)
	defer closeBrowser()
	if err := chromedp.Do(browser, chromedp.Navigate("about:blank")); err != nil {
		return fmt.Errorf("start the browser: %w", err)
	}
	return each(browser, tabs, stops, func(browser context.Context, _ int, at stop) error {
		err := inTab(browser, from(1, at.n), func(tab context.Context) error { return visit(tab, at) })
		if err != nil {
			return fmt.Errorf("%s (%s): %w", at.ticket.id, at.ticket.kind.name, err)
		}
		return nil
	})
}

// inTab opens a tab whose cookies and cache are its own and whose requests come from an address.
func inTab(browser context.Context, from string, visit func(context.Context) error) error {
	tab, closeTab := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	defer closeTab()
	err := chromedp.Do(tab, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		headers := network.Headers{"X-Forwarded-For": from, "Accept-Language": "en"}
		_, err := cdp.Call(ctx, t, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: headers})
		return err
	}))
	if err != nil {
		return fmt.Errorf("open a tab: %w", err)
	}
	ctx, cancel := context.WithTimeout(tab, visitTime)
	defer cancel()
	return visit(ctx)
}

// tick is the time between two steps of the scanner's script.
const tick = time.Second

// curiosity is what the scanner runs in every page that it opens: it scrolls, points at and focuses everything, and
// fetches what the page leads to.
const curiosity = `(() => {
	const begin = Date.now();
	const seen = window.scanner = { time: 0, ticks: 0, fetched: 0 };
	setInterval(() => {
		seen.ticks++;
		seen.time = Date.now() - begin;
		scrollTo(0, (seen.ticks % 5) * document.documentElement.scrollHeight / 5);
	}, 1000);
	setTimeout(() => {
		for (const it of document.querySelectorAll('*')) {
			for (const kind of ['pointerover', 'mouseover', 'mouseenter', 'touchstart', 'focus'])
				it.dispatchEvent(new Event(kind, { bubbles: true }));
			it.focus?.();
		}
		const leads = [location.href];
		for (const it of document.querySelectorAll('[href],[src],form')) leads.push(it.href || it.src || it.action);
		for (const to of leads) {
			const ahead = document.createElement('link');
			ahead.rel = 'prefetch';
			ahead.href = to;
			document.head.append(ahead);
			for (const method of ['GET', 'HEAD']) fetch(to, { method }).then(() => seen.fetched++, () => {});
		}
	}, 500);
})()`

// scanned is what the scanner did on a page, as its script says.
type scanned struct {
	Time    int `json:"time"` // milliseconds of the page's own clock
	Ticks   int `json:"ticks"`
	Fetched int `json:"fetched"`
}

// look opens a link and lets scripts run there. The page's clock is let run ahead while nothing happens, so that ten
// seconds for its scripts take less of ours; it stands still while anything is being fetched. The page's own wish that
// no script should run, or fetch anything, is passed over.
func look(ctx context.Context, link string, scripts time.Duration) (s scanned, err error) {
	expired := chromedp.Events(ctx, emulation.VirtualTimeBudgetExpired)
	err = chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		script := page.AddScriptToEvaluateOnNewDocumentParams{Source: curiosity}
		_, err1 := cdp.Call(ctx, t, page.SetBypassCSP, page.SetBypassCSPParams{Enabled: true})
		_, err2 := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, script)
		return errors.Join(err1, err2)
	}), chromedp.Navigate(link), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		budget := float64((scripts + tick).Milliseconds())
		_, err := cdp.Call(ctx, t, emulation.SetVirtualTimePolicy, emulation.SetVirtualTimePolicyParams{
			Policy: emulation.VirtualTimePolicyPauseIfNetworkFetchesPending, Budget: &budget,
			MaxVirtualTimeTaskStarvationCount: 1000,
		})
		return err
	}))
	if err != nil {
		return s, err
	}
	for _, err := range expired {
		if err != nil {
			return s, fmt.Errorf("wait for scripts: %w", err)
		}
		break
	}
	return chromedp.Run(ctx, chromedp.Evaluate[scanned]("window.scanner"))
}

// enough complains where the scripts did not run for as long as they should, or fetched nothing.
func (s scanned) enough(scripts time.Duration) error {
	if least := int((scripts - tick).Milliseconds()); s.Time < least || s.Ticks < 5 || s.Fetched < 2 {
		return fmt.Errorf("the scanner's scripts were to run for %s, and did %+v", scripts, s)
	}
	return nil
}

// scriptTime is how long scripts run in each page that is looked at.
const scriptTime = 10 * time.Second

// lookAll lets a browser look at every link.
func (s *stand) lookAll(ctx context.Context, chromium string, tickets []*ticket) (string, error) {
	err := browse(ctx, chromium, stops(tickets), func(tab context.Context, at stop) error {
		did, err := look(tab, at.link, scriptTime)
		if err != nil {
			return err
		}
		return did.enough(scriptTime)
	})
	return fmt.Sprintf("every link by a browser, %s of scripts in each", scriptTime), err
}
