package exprsafe

import "testing"

func TestExcludes(t *testing.T) {
	for src, want := range map[string]bool{
		`event.data.portal == "customers"`:                            false,
		`event.data.portal == "employees"`:                            true,
		`"employees" == event.data["portal"]`:                         true,
		`event.data.portal != "customers"`:                            true,
		`event.data.portal != "employees"`:                            false,
		`not (event.data.portal == "customers")`:                      true,
		`event.data.portal in ["employees", "partners"]`:              true,
		`event.data.portal in ["employees", "customers"]`:             false,
		`event.data.portal not in ["customers"]`:                      true,
		`event.data.portal in ["employees", record.portal]`:           false,
		`event.data.portal == "employees" && record.vip`:              true,
		`event.data.portal == "employees" or record.vip`:              false,
		`event.data.portal == "a" || event.data.portal == "b"`:        true,
		`!(record.vip && event.data.portal == "customers")`:           false,
		`!(record.vip or event.data.portal == "customers")`:           true,
		`event.data.portal == record.portal`:                          false,
		`event.data.portal startsWith "emp"`:                          false,
		`(event.data.portal ?? "") == "employees"`:                    false,
		`event.data.portals == "employees"`:                           false,
		`record.portal == "employees"`:                                false,
		`false`:                                                       true,
		`true`:                                                        false,
		`record.vip ? event.data.portal == "x" : record.vip`:          false,
		`record.vip && (record.a == "b" || event.data.portal == "x")`: false,
		`no expression (`:                                             false,
	} {
		if got := Excludes(src, "event.data.portal", "customers"); got != want {
			t.Errorf("%s: %v, want %v", src, got, want)
		}
	}
}
