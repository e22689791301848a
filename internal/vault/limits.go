package vault

import (
	"context"

	"rinca/internal/rinca"
)

// Limits are how many requests a vault takes: those of one token, and those of
// the account that all tokens share.
type Limits struct {
	Plan    string // "families", "teams", "business", "none", or "" for a budget of one's own
	Token   Budget
	Account Budget
	// Assumed says that nobody has named the plan. People are then never
	// refused: the real limit may be higher.
	Assumed bool
}

// Plans lists the names of the plans of 1Password.
func Plans() []string { return []string{"families", "teams", "business", "none"} }

// PlanLimits returns the limits of a plan of 1Password: reads by a service
// account's token in an hour, and requests of the whole account in a day.
func PlanLimits(plan string) (Limits, error) {
	l := Limits{Plan: plan}
	switch plan {
	case "families":
		l.Token, l.Account = Budget{Hour: 1000}, Budget{Day: 1000}
	case "teams":
		l.Token, l.Account = Budget{Hour: 1000}, Budget{Day: 5000}
	case "business":
		l.Token, l.Account = Budget{Hour: 10000}, Budget{Day: 50000}
	case "none":
	default:
		return Limits{}, rinca.Errorf(rinca.Usage, "%.40q is no plan", plan).Try("families, teams, business or none")
	}
	return l, nil
}

// ParseLimits reads what is configured: the name of a plan, or a budget, whose
// hour is for the token and whose day is for the account. Neither means that
// nothing is configured.
func ParseLimits(plan, budget string) (l Limits, given bool, err error) {
	switch {
	case plan != "" && budget != "":
		return l, false, rinca.Errorf(rinca.Usage, "RINCA_VAULT_PLAN and RINCA_VAULT_BUDGET are both set").Try("unset RINCA_VAULT_PLAN")
	case plan != "":
		l, err = PlanLimits(plan)
		if err != nil {
			return l, false, rinca.Errorf(rinca.Usage, "RINCA_VAULT_PLAN: %w", err).Try("%s", rinca.HintOf(err))
		}
		return l, true, nil
	case budget == "":
		return l, false, nil
	}
	b, err := ParseBudget(budget)
	if err != nil {
		return l, false, rinca.Errorf(rinca.Usage, "RINCA_VAULT_BUDGET: %w", err).Try("RINCA_VAULT_BUDGET=%s", rinca.HintOf(err))
	}
	return Limits{Token: Budget{Hour: b.Hour}, Account: Budget{Day: b.Day}}, true, nil
}

type backgroundKey struct{}

// Background marks work that nobody waits for: a watch, a schedule. It is the
// first to be refused when requests run short, and it leaves a vault alone
// that does not answer.
func Background(ctx context.Context) context.Context {
	return context.WithValue(ctx, backgroundKey{}, true)
}

// IsBackground reports whether nobody waits for the work.
func IsBackground(ctx context.Context) bool {
	background, _ := ctx.Value(backgroundKey{}).(bool)
	return background
}
