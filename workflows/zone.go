package workflows

import (
	_ "embed"
	"strings"
	"time"

	"postern/internal/yamldoc"
)

// zoneNames are the IANA names of time zones, one a line: what a misspelt one is held against. From tzdata 2025b, which
// is in the public domain.
//
//go:embed zones.txt
var zoneNames string

// zone reads the name of a time zone; UTC where none is named.
func (l *loader) zone(n *yamldoc.Node) *time.Location {
	if n == nil {
		return time.UTC
	}
	zone, diags := Zone(n)
	for _, d := range diags {
		l.complain(d)
	}
	return zone
}

// Zone reads the IANA name of a time zone. Another text is a complaint with the zone that it may mean, and UTC.
func Zone(n *yamldoc.Node) (*time.Location, yamldoc.Diagnostics) {
	name := n.Text()
	zone, err := time.LoadLocation(name)
	if err == nil && name != "" && name != "Local" {
		return zone, nil
	}
	complaint := n.Errorf("unknown time zone %q", name).WithHint("a name such as Europe/Madrid or UTC")
	if near, ok := nearZone(name); ok {
		complaint = complaint.WithHint("did you mean \"" + near + "\"?")
	}
	return time.UTC, yamldoc.Diagnostics{complaint}
}

// nearZone is the zone that a name may mean: one that is spelt nearly so, or whose city is.
func nearZone(name string) (string, bool) {
	names := strings.Fields(zoneNames)
	city := strings.ReplaceAll(cityOf(name), " ", "_")
	var cities []string
	byCity := map[string]string{}
	for _, zone := range names {
		if strings.EqualFold(cityOf(zone), city) {
			return zone, true
		}
		cities, byCity[cityOf(zone)] = append(cities, cityOf(zone)), zone
	}
	if near, ok := yamldoc.Suggest(name, names); ok {
		return near, true
	}
	near, ok := yamldoc.Suggest(city, cities)
	return byCity[near], ok
}

func cityOf(zone string) string { return zone[strings.LastIndexByte(zone, '/')+1:] }
