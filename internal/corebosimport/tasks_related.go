package corebosimport

import (
	"slices"
	"strings"
)

// updateRelated sets fields of all records that lead to this one.
func (c *conversion) updateRelated(t task) ([]*node, error) {
	lines, err := t.assignments()
	if err != nil {
		return nil, err
	}
	var order []string
	sets, lists := map[string]*node{}, map[string]said{}
	modules := map[string]string{}
	for _, line := range lines {
		module, by, _ := strings.Cut(line.Related, "__")
		key := module + "." + by
		if sets[key] == nil {
			list, name, err := c.speech.related(strings.TrimSuffix(key, "."))
			if err != nil {
				return nil, err
			}
			sets[key], lists[key], modules[key], order = mapping(), list, name, append(order, key)
		}
		value, err := c.assigned(c.speech, module, line)
		if err != nil {
			return nil, err
		}
		sets[key].add(entry{line.Field, value})
	}
	var steps []*node
	for _, key := range order {
		n := step("update", mapping(pair("record", "item"), entry{"set", sets[key]}), pair("for_each", lists[key].text))
		if err := c.onlyThose(n, t, modules[key], "bmapid"); err != nil {
			return nil, err
		}
		steps = append(steps, n)
	}
	return steps, nil
}

// onlyThose adds the condition of a business map to a step for each related record.
func (c *conversion) onlyThose(n *node, t task, module, setting string) error {
	id := t.text(setting)
	if id == "" || id == "0" {
		return nil
	}
	m, known := c.im.maps[id]
	if !known {
		if m, known = c.im.maps[t.text(setting+"_display")]; !known {
			return unsaidf("the business map %s that chooses the records is in none of the files; "+
				"add the rows of cbMap", strings.TrimSpace(t.text(setting+"_display")+" ("+id+")"))
		}
	}
	source, err := m.conditionExpression()
	if err != nil {
		return err
	}
	about := c.speech.about(module, "item")
	p, err := parseExpression(source)
	if err != nil {
		return unsaidf("the expression of the business map %s cannot be read: %v", m.name, err)
	}
	if regrouped(p.term) {
		about.remark(remarkGrouping, quotedShort(source))
	}
	cond, err := about.condition(p.term)
	if err != nil {
		return err
	}
	c.speech.heard(about)
	n.when(cond)
	return nil
}

func (c *conversion) deleteRelated(t task) ([]*node, error) {
	list, module, err := c.speech.related(t.text("relmodule"))
	if err != nil {
		return nil, err
	}
	n := step("delete", mapping(pair("record", "item")), pair("for_each", list.text))
	return []*node{n}, c.onlyThose(n, t, module, "bmapid")
}

func (c *conversion) assignRelated(t task) ([]*node, error) {
	list, module, err := c.speech.related(t.text("relmodule"))
	if err != nil {
		return nil, err
	}
	owner := "{{ record.assigned_user_id }}"
	if user := t.text("username"); user != "assigneduser" {
		if owner = user; digits.MatchString(user) {
			owner = c.owner(user)
		}
	} else if _, err := c.speech.field("assigned_user_id"); err != nil {
		return nil, err
	}
	if _, err := c.target(module, "assigned_user_id"); err != nil {
		return nil, err
	}
	set := mapping(pair("assigned_user_id", owner))
	return []*node{
		step("update", mapping(pair("record", "item"), entry{"set", set}), pair("for_each", list.text)),
	}, nil
}

// launch starts another workflow.
func (c *conversion) launch(t task) ([]*node, error) {
	other := c.workflow(t)
	if other == nil {
		return nil, unsaidf("the workflow %s that it starts is in none of the files",
			strings.TrimSpace(t.text("workflowid_display")+" "+t.text("workflowid")))
	}
	name := c.im.names[other]
	config := mapping(pair("workflow", name))
	n := step("start", config)
	switch t.text("record_filter_opt") {
	case "", "filterByCurrentRecord":
		if other.module != c.o.module {
			return nil, unsaidf("the workflow %s is about %s, not about %s", name, other.module, c.o.module)
		}
	case "filterByrelModuleAndConditionExpressionMap":
		list, module, err := c.speech.related(t.text("relModlist"))
		if err != nil {
			return nil, err
		}
		config.add(pair("record", "item"))
		n.add(pair("for_each", list.text))
		if err := c.onlyThose(n, t, module, "conditionexpressionmapid"); err != nil {
			return nil, err
		}
	case "filterByThese":
		return nil, unsaidf("it starts %s for records that it names by their ids", name)
	default:
		return nil, unsaidf("it starts %s for records that a business map chooses", name)
	}
	c.im.started[name] = true
	if why := c.im.off[name]; why != "" {
		return nil, unsaidf("the workflow %s that it starts is not loaded: %s", name, why)
	}
	return []*node{n}, nil
}

// workflow finds the workflow that a task starts, by its id or its title.
func (c *conversion) workflow(t task) *original {
	id, title := t.text("workflowid"), strings.TrimSpace(t.text("workflowid_display"))
	if _, after, whole := strings.Cut(id, "x"); whole {
		id = after
	}
	for _, same := range []func(*original) bool{
		func(o *original) bool { return id != "" && o.id == id },
		func(o *original) bool { return title != "" && o.title == title },
	} {
		if at := slices.IndexFunc(c.export.workflows, same); at >= 0 {
			return c.export.workflows[at]
		}
	}
	return nil
}
