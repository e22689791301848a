package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

// grantHelp says how grants are written on the command line.
const grantHelp = `A grant is KIND=LEVEL for all resources of a kind, or KIND:NAME=LEVEL for one,
or for those that a pattern with * and ? matches. The kinds are Stack, Server,
Variable and GitAccount; the levels None, Read, Execute and Write. Reading never
shows a value: that needs +Reveal.`

// grantsFlag defines --grant.
func grantsFlag(c *cobra.Command, grants *[]string, meaning string) {
	// Not a slice flag: a pattern may hold a comma.
	c.Flags().StringArrayVar(grants, "grant", nil, "`KIND[:NAME]=LEVEL[+Reveal]` "+meaning+"; may be repeated")
	_ = c.RegisterFlagCompletionFunc("grant", cobra.FixedCompletions([]string{
		"Stack=Execute", "Stack=Read", "Stack=Write", "Stack:", "Server=Read", "Variable=Read", "Variable=Read+Reveal", "GitAccount=Read",
	}, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveNoSpace))
}

// parseGrants reads what --grant was given. Errors have code Usage.
func parseGrants(grants []string) (rinca.Rights, error) {
	var out rinca.Rights
	for _, text := range grants {
		i := strings.LastIndexByte(text, '=')
		if i < 0 {
			return out, rinca.Errorf(rinca.Usage, "%q has no level", printable(text)).Try("--grant Stack=Execute, or --grant 'Stack:media-*=Write'")
		}
		g, err := parseGrant(text[i+1:])
		if err != nil {
			return out, err
		}
		kind, name, named := strings.Cut(text[:i], ":")
		if named {
			out.Permissions = append(out.Permissions, rinca.Permission{Target: rinca.Target{Kind: rinca.Kind(kind), Name: name}, Grant: g})
			continue
		}
		if out.All == nil {
			out.All = map[rinca.Kind]rinca.Grant{}
		}
		out.All[rinca.Kind(kind)] = out.All[rinca.Kind(kind)].Join(g)
	}
	if err := out.CheckScope(); err != nil {
		return out, rinca.Errorf(rinca.Usage, "--grant: %w", err).Because(err)
	}
	return out, nil
}

func parseGrant(text string) (rinca.Grant, error) {
	name, extra, more := strings.Cut(text, "+")
	level, err := rinca.ParseLevel(name)
	if err != nil {
		return rinca.Grant{}, rinca.Errorf(rinca.Usage, "--grant: %w", err).Because(err)
	}
	g := rinca.Grant{Level: level}
	if more {
		if !strings.EqualFold(extra, rinca.Reveal) {
			return g, rinca.Errorf(rinca.Usage, "--grant: there is no extra right %q", printable(extra)).Try("Read+Reveal")
		}
		g.Specific = []string{rinca.Reveal}
	}
	return g, nil
}

// grantTexts writes rights as --grant takes them.
func grantTexts(r rinca.Rights) []string {
	text := func(g rinca.Grant) string {
		if g.Reveals() {
			return g.Level.String() + "+Reveal"
		}
		return g.Level.String()
	}
	var out []string
	for _, k := range append(rinca.Kinds(), rinca.KindSystem) {
		if g, ok := r.All[k]; ok {
			out = append(out, string(k)+"="+text(g))
		}
	}
	for _, p := range r.Permissions {
		out = append(out, string(p.Target.Kind)+":"+p.Target.Name+"="+text(p.Grant))
	}
	return out
}
