package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Call asks for the call of a web service; its Key is set here. The task hears of the answer in Answered, once it
// is as the call expects. Any other ends the run, at once or when the tries of the step's policy are used up.
func (s *StepContext) Call(call Call) {
	n := strconv.Itoa(s.asked)
	call.Key = DerivedID(s.run.ID, s.Step.Path, n, "call", strconv.Itoa(s.run.Progress.Keys)).String()
	s.effect(Ask{Call: &call})
}

// sealCalls encrypts what calls send. Addresses, headers and bodies hold what was taken from records, and answers what
// others know of people: neither is needed to find a call again, so neither lies open in the database.
func (e *Engine) sealCalls(effects []*Effect) error {
	for _, f := range effects {
		if f.Call == nil {
			continue
		}
		plain, err := json.Marshal(f.Call.Request)
		if err != nil {
			return fmt.Errorf("write request: %w", err)
		}
		if f.Sealed, err = e.Sealer.Seal("call:"+f.ID.String(), plain); err != nil {
			return fmt.Errorf("seal request: %w", err)
		}
	}
	return nil
}

// unsealJSON reads what is sealed for a purpose into a value.
func (e *Engine) unsealJSON(purpose string, sealed []byte, into any) error {
	plain, err := e.Sealer.Open(purpose, sealed)
	if err != nil {
		return err
	}
	return strictJSON(plain, into)
}

// callOne tries a call once and stores the outcome.
func (e *Engine) callOne(f *Effect) {
	attempts := f.Attempts
	answer, err := e.tryCall(f)
	now := e.Clock.Now()
	if e.abandoned() && errors.Is(err, context.Canceled) && !IsUnknown(err) {
		f.State, f.Due, f.Attempts = EffectPlanned, now, attempts
		f.note(now, "put back: the process ended before it was sent")
	} else {
		e.judgeCall(f, answer, err, now)
	}
	e.settleEffect(f, nil)
	e.callers.give(f.Host, 1)
	nudge(e.callers.wakeup)
}

// judgeCall turns the outcome of a try into the effect's next state, and counts it for the host.
func (e *Engine) judgeCall(f *Effect, answer Answer, err error, now time.Time) {
	if err == nil {
		err = f.Call.verdict(answer, now)
	}
	got := answerOf(err)
	if answer.Status == 0 && (IsPermanent(err) || IsMisconfigured(err)) {
		got = answerNone // it never got so far as to be asked
	}
	switch turn, why := e.callers.note(f.Host, now, got, RetryDelay(err)); turn {
	case turnShut:
		e.Logger.Error("a host is not called for a while", "host", f.Host, "why", why)
	case turnOpen:
		e.Logger.Info("a host answers calls again", "host", f.Host)
	case turnNone:
	}
	if err == nil {
		if f.Answer, err = e.sealAnswer(f.ID, answer); err == nil {
			f.State, f.Reason = EffectDone, ""
			f.note(now, "answered %s", statusText(answer.Status))
			return
		}
		err = Permanent(err)
	}
	if IsUnknown(err) && !f.Call.Resend {
		f.Doubtful, err = true, Permanent(fmt.Errorf("%w: %w", errInDoubt, err))
	}
	f.judge(now, err, func(d time.Duration) time.Duration { return jitter(d, e.Random) })
	e.tellCall(f, err)
}

func (e *Engine) sealAnswer(id ID, answer Answer) ([]byte, error) {
	plain, err := json.Marshal(answer)
	if err != nil {
		return nil, fmt.Errorf("write answer: %w", err)
	}
	return e.Sealer.Seal("answer:"+id.String(), plain)
}

func (e *Engine) tellCall(f *Effect, cause error) {
	told, level := "call failed", e.Logger.Warn
	if IsMisconfigured(cause) {
		told, level = "call failed: it needs an operator", e.Logger.Error
	}
	level(told, "state", string(f.State), "method", f.Call.Method, "host", f.Host, "effect", f.ID.String(),
		"workflow", f.Workflow, "attempts", f.Attempts, "error", cause)
}

// tryCall sends a call, unless an earlier try of it may have arrived and must be the only one.
func (e *Engine) tryCall(f *Effect) (answer Answer, err error) {
	if f.Doubtful && !f.Call.Resend {
		return Answer{}, Permanent(fmt.Errorf("%w: the engine stopped during a try", errInDoubt))
	}
	f.Attempts++
	call := *f.Call
	if err := e.unsealJSON("call:"+f.ID.String(), f.Sealed, &call.Request); err != nil {
		return Answer{}, Permanent(fmt.Errorf("open request: %w", err))
	}
	ctx, cancel := context.WithTimeout(e.work, MaxCallTime)
	defer cancel()
	defer e.onPanic("caller broke down", func(broken error) { err = Unknown(broken) })
	return e.Caller.Call(ctx, call)
}

// takeAnswers hands the answers of a step's calls to its task. Its error is Permanent.
func (e *Engine) takeAnswers(ctx context.Context, sc *StepContext, calls []*Effect) (err error) {
	defer e.onPanic("task broke down", func(broken error) { err = Permanent(broken) })
	for _, f := range calls {
		if err := e.takeAnswer(ctx, sc, f); err != nil {
			return Permanent(err)
		}
	}
	return nil
}

func (e *Engine) takeAnswer(ctx context.Context, sc *StepContext, f *Effect) error {
	answerer, ok := sc.Step.Task.(Answerer)
	if !ok {
		return nil
	}
	var answer Answer
	if err := e.unsealJSON("answer:"+f.ID.String(), f.Answer, &answer); err != nil {
		return fmt.Errorf("open answer: %w", err)
	}
	env := sc.Env
	env.Response, env.views = answer.View(), nil
	defer func() { env.Response, env.views = nil, nil }()
	return answerer.Answered(ctx, sc, answer)
}

// renewKeys lets the calls of a step have other keys if an operator lets it be taken again, where each was refused for
// certain: a service that knows the key would answer the same once more. Where one stands or may stand, the keys stay.
func (s *stretch) renewKeys(effects []*Effect) {
	for _, f := range effects {
		if f.Call != nil && (f.State != EffectRejected || f.Doubtful) {
			return
		}
	}
	s.run.Progress.Keys++
}
