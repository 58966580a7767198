package rehearsal

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/engine"
)

const covered = `name: covered
on: { event: record.created, module: People }
if: record.city == ""
tasks:
  - wait: { for: 1h, until: record.city != "" }
  - if: record.name != ""
    update: { set: { city: Olot } }
    on_error:
      tasks:
        - emit: { type: person.lost }
`

// coveredWorkflow is the workflow as the loader makes it, as far as it is looked at.
func coveredWorkflow() *engine.Workflow {
	return &engine.Workflow{
		Name: "covered", Files: map[string]string{"covered.yaml": covered, "modules/People.yaml": "module: People\n"},
		Tasks: []*engine.Step{
			{Path: "1", Kind: "wait", OnError: engine.ErrorFails},
			{Path: "2", Kind: "update", OnError: 2},
			{Path: "2.error.1", Kind: "emit", OnError: engine.ErrorFails},
		},
	}
}

func TestCoverageOfNothing(t *testing.T) {
	tally := NewCoverage().Tally([]*engine.Workflow{coveredWorkflow()})
	want := Tally{
		Steps: Share{All: 3}, Branches: Share{All: 8}, Missed: []Missed{
			{"covered.yaml", 3, "the condition of the workflow is never true"},
			{"covered.yaml", 3, "the condition of the workflow is never false"},
			{"covered.yaml", 5, "step 1 (wait) is never taken"},
			{"covered.yaml", 5, "step 1 (wait) never ends by what it waits for"},
			{"covered.yaml", 5, "step 1 (wait) never ends by its time"},
			{"covered.yaml", 6, "step 2 (update) is never taken"},
			{"covered.yaml", 6, "the condition of step 2 (update) is never true"},
			{"covered.yaml", 6, "the condition of step 2 (update) is never false"},
			{"covered.yaml", 8, "step 2 (update) never fails"},
			{"covered.yaml", 8, "step 2 (update) always fails"},
			{"covered.yaml", 10, "step 2.error.1 (emit) is never taken"},
		},
	}
	if diff := cmp.Diff(want, tally); diff != "" {
		t.Error(diff)
	}
}

func TestCoverageOfAll(t *testing.T) {
	c := NewCoverage()
	for _, s := range []sighted{
		{"covered", "", engine.SightBegun},
		{"covered", "", engine.SightLeft},
		{"covered", "1", engine.SightTaken},
		{"covered", "1", engine.SightMet},
		{"covered", "1", engine.SightTimeUp},
		{"covered", "2", engine.SightTaken},
		{"covered", "2", engine.SightSkipped},
		{"covered", "2", engine.SightPassed},
		{"covered", "2", engine.SightFailed},
		{"covered", "2.error.1", engine.SightTaken},
	} {
		c.Watch(s.workflow, s.step, s.sight)
	}
	// A step that was skipped has passed, and not gone well.
	if tally := c.Tally([]*engine.Workflow{coveredWorkflow()}); tally.Branches.Seen != 7 || len(tally.Missed) != 1 {
		t.Errorf("before it went well: %+v", tally)
	}
	c.Watch("covered", "2", engine.SightPassed)
	tally := c.Tally([]*engine.Workflow{coveredWorkflow()})
	if tally.Steps.Percent() != 100 || tally.Branches.Percent() != 100 || len(tally.Missed) > 0 {
		t.Errorf("seen all: %+v", tally)
	}
}

func TestPercent(t *testing.T) {
	for share, percent := range map[Share]int{{0, 0}: 100, {0, 3}: 0, {199, 200}: 99, {1, 3}: 33, {3, 3}: 100} {
		if got := share.Percent(); got != percent {
			t.Errorf("%+v is %d%%", share, got)
		}
	}
}
