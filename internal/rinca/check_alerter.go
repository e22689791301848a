package rinca

import (
	"slices"
	"strings"
)

const maxAlertFilters = 200

// Check reports the first thing in an alerter that cannot be meant. Its
// address is not looked at. Code Invalid.
func (a *Alerter) Check() error {
	if !ValidResourceName(a.Name) {
		return Errorf(Invalid, "%.200q cannot name an alerter", a.Name).
			Try("up to 128 letters, digits, blanks and signs, without / \\ \" , * and ?")
	}
	if err := oneOf("kind of alerter", a.Kind, AlerterKinds()); err != nil {
		return err
	}
	if a.Email != "" && a.Kind != AlerterNtfy {
		return Errorf(Invalid, "email is for alerters of the kind Ntfy")
	}
	if strings.ContainsAny(a.Email, "\r\n") || a.Email != "" && !strings.Contains(a.Email, "@") {
		return Errorf(Invalid, "email is no address")
	}
	if n := max(len(a.Types), len(a.Levels), len(a.Resources), len(a.Except), len(a.Tags)); n > maxAlertFilters {
		return Errorf(Invalid, "a filter of an alerter has at most %d entries", maxAlertFilters)
	}
	for _, t := range a.Types {
		if err := oneOf("type of alert", t, AlertTypes()); err != nil {
			return err
		}
	}
	for _, l := range a.Levels {
		if err := l.Check(); err != nil {
			return err
		}
	}
	for _, t := range append(slices.Clone(a.Resources), a.Except...) {
		if err := checkKind(t.Kind, append(Kinds(), KindSystem)); err != nil {
			return err
		}
		if err := CheckPattern(t.Name); err != nil && t.Kind != KindSystem {
			return err
		}
	}
	return nil
}

// Check reports a level that does not exist. Code Invalid.
func (l AlertLevel) Check() error {
	return oneOf("level of alerts", string(l), []string{string(AlertOK), string(AlertWarning), string(AlertCritical)})
}

// Worse reports whether a level is worse than another.
func (l AlertLevel) Worse(than AlertLevel) bool { return l.rank() > than.rank() }

func (l AlertLevel) rank() int {
	return slices.Index([]AlertLevel{AlertOK, AlertWarning, AlertCritical}, l)
}

func oneOf(what, text string, known []string) error {
	if slices.Contains(known, text) {
		return nil
	}
	for _, k := range known {
		if strings.EqualFold(k, text) {
			return Errorf(Invalid, "%.60q is no %s", text, what).Try("%s, with this case", k)
		}
	}
	return Errorf(Invalid, "%.60q is no %s", text, what).Try("one of %s", strings.Join(known, ", "))
}

// Lets reports whether the filters of the alerter let an alert through.
func (a *Alerter) Lets(x *Alert) bool {
	switch {
	case a.Disabled:
		return false
	case len(x.To) > 0:
		return slices.Contains(x.To, a.Name)
	case len(a.Types) > 0 && !slices.Contains(a.Types, x.Type),
		len(a.Levels) > 0 && !slices.Contains(a.Levels, x.Level),
		len(a.Resources) > 0 && !about(a.Resources, x.Target):
		return false
	}
	return !about(a.Except, x.Target)
}

func about(patterns []Target, t Target) bool {
	return slices.ContainsFunc(patterns, func(p Target) bool {
		return p.Kind == t.Kind && (p.Name == "" || Permission{Target: p}.Matches(t))
	})
}
