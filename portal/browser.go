package portal

import "strings"

// browsers and systems are looked for in what a browser calls itself, in this order: many call themselves several.
var browsers = [][2]string{
	{"Edg", "Edge"},
	{"OPR/", "Opera"},
	{"SamsungBrowser", "Samsung Internet"},
	{"Firefox", "Firefox"},
	{"FxiOS", "Firefox"},
	{"CriOS", "Chrome"},
	{"Chrome", "Chrome"},
	{"Safari", "Safari"},
}

var systems = [][2]string{
	{"iPhone", "iPhone"},
	{"iPad", "iPad"},
	{"Android", "Android"},
	{"Windows", "Windows"},
	{"CrOS", "ChromeOS"},
	{"Mac OS X", "macOS"},
	{"Linux", "Linux"},
}

// BrowserOf is what people would call a browser that calls itself something long: "Firefox, Linux". It is a hint for
// who looks at a list of sessions; whoever wants to can call their browser anything.
func BrowserOf(agent string) string {
	name := firstIn(agent, browsers)
	system := firstIn(agent, systems)
	switch {
	case name == "" && system == "":
		const most = 40
		return strings.ToValidUTF8(agent[:min(len(agent), most)], "")
	case name == "" || system == "":
		return name + system
	}
	return name + ", " + system
}

func firstIn(text string, of [][2]string) string {
	for _, each := range of {
		if strings.Contains(text, each[0]) {
			return each[1]
		}
	}
	return ""
}
