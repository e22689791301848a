package rinca

import (
	"slices"
	"strings"
	"time"
)

// Bounds of a procedure.
const (
	maxStages     = 100
	maxExecutions = 1000 // in all stages together
	mostAtOnce    = 64
	maxRetries    = 100
	maxWait       = Duration(30 * 24 * time.Hour)
	maxParams     = 256 << 10 // bytes of one execution's parameters
)

// Check reports the first thing in a procedure that can never be right,
// without looking at anything outside it. Errors have code Invalid.
func (p *Procedure) Check() error {
	if !ValidResourceName(p.Name) {
		return Errorf(Invalid, "%.40q cannot name a procedure", p.Name).
			Try("up to 128 letters, digits, blanks and signs, without / \\ \" , * and ?")
	}
	if err := plain("description", strings.ReplaceAll(p.Description, "\n", " ")); err != nil {
		return err
	}
	if len(p.Tags) > maxEntries {
		return Errorf(Invalid, "there are more than %d tags", maxEntries)
	}
	for _, tag := range p.Tags {
		if !validTag(tag) {
			return Errorf(Invalid, "%.40q is no tag", tag).Try("no blanks, commas, quotes or backslashes")
		}
	}
	if err := lasting("timeout", p.Timeout); err != nil {
		return err
	}
	if err := p.checkParameters(); err != nil {
		return err
	}
	if err := p.Webhook.Check(); err != nil {
		return err
	}
	return p.checkStages()
}

func (p *Procedure) checkParameters() error {
	if len(p.Parameters) > 100 {
		return Errorf(Invalid, "there are more than 100 parameters")
	}
	var names []string
	for _, v := range p.Parameters {
		switch {
		case !ValidVariableName(v.Name):
			return Errorf(Invalid, "%.40q cannot name a parameter", v.Name).Try("a letter or _, then letters, digits and _")
		case slices.Contains(names, v.Name):
			return Errorf(Invalid, "the parameter %s is there twice", v.Name)
		case v.Required && v.Default != "":
			return Errorf(Invalid, "the parameter %s is required, and has a default", v.Name).Try("one of both")
		}
		names = append(names, v.Name)
		if len(v.Default) > maxParams {
			return Errorf(Invalid, "the default of the parameter %s is longer than %d bytes", v.Name, maxParams)
		}
		if err := plain("the description of a parameter", v.Description); err != nil {
			return err
		}
	}
	return nil
}

func (p *Procedure) checkStages() error {
	if len(p.Stages) > maxStages {
		return Errorf(Invalid, "there are %d stages; at most %d", len(p.Stages), maxStages)
	}
	executions := 0
	for i := range p.Stages {
		s := &p.Stages[i]
		if executions += len(s.Executions); executions > maxExecutions {
			return Errorf(Invalid, "there are more than %d executions", maxExecutions)
		}
		if err := s.check(); err != nil {
			return Errorf(Invalid, "stage %d: %w", i+1, err).Try("%s", HintOf(err))
		}
	}
	return nil
}

func (s *ProcedureStage) check() error {
	if err := plain("name", s.Name); err != nil {
		return err
	}
	if len(s.Name) > 200 {
		return Errorf(Invalid, "its name is longer than 200 bytes")
	}
	if s.OnFailure != "" && s.OnFailure != Stop && s.OnFailure != Continue {
		return Errorf(Invalid, "on_failure cannot be %.40q", string(s.OnFailure)).Try("%s or %s", Stop, Continue)
	}
	if s.AtOnce < 0 || s.AtOnce > mostAtOnce {
		return Errorf(Invalid, "at_once is a number from 0 to %d", mostAtOnce)
	}
	if err := lasting("timeout", s.Timeout); err != nil {
		return err
	}
	for _, e := range s.Executions {
		if err := lasting("the timeout of "+e.Execution.Kind, e.Timeout); err != nil {
			return err
		}
		if err := lasting("the retry_delay of "+e.Execution.Kind, e.RetryDelay); err != nil {
			return err
		}
		if e.Retries < 0 || e.Retries > maxRetries {
			return Errorf(Invalid, "the retries of %.40s are a number from 0 to %d", e.Execution.Kind, maxRetries)
		}
		if len(e.Execution.Params) > maxParams {
			return Errorf(Invalid, "the parameters of %.40s have more than %d bytes", e.Execution.Kind, maxParams)
		}
	}
	return nil
}

func lasting(what string, d Duration) error {
	if d < 0 || d > maxWait {
		return Errorf(Invalid, "%.60s is longer than 30 days, or below zero", what)
	}
	return nil
}
