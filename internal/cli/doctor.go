package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/doctor"
	"rinca/internal/rinca"
)

func newDoctor(a *app) *cobra.Command {
	var f exportFlags
	var fix bool
	c := &cobra.Command{
		Use:   "doctor [STACK...]",
		Short: "Find out why secrets do not reach their stacks, and how to mend it",
		Long: `Looks at every joint from the token to the file, in the order in which secrets
travel: provider, token, access, clock, vault, items, values, destination, disk,
files, permissions; and at the secret variables of a server in this home. Each
problem comes with the command that mends it.

Without a STACK, the stacks of the variable STACKS, else all of them. --fix
mends what is safe to mend: it makes the destination and exports the files.
Exit status 1 when there is a problem; warnings alone are 0.`,
		Example: `  rinca doctor
  rinca doctor authentik --dest /mnt/apps01/secrets
  rinca doctor --fix
  rinca doctor --json | jq -r '.findings[] | select(.status == "problem") | .mend'`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.doctor(cmd.Context(), f, fix, args) },
	}
	c.Flags().StringVar(&f.vault, "vault", "", "`NAME` or id of the vault (VAULT; default "+rinca.DefaultVault+")")
	c.Flags().StringVar(&f.dest, "dest", "", "`DIR` that exports go to (DEST_ROOT; default "+rinca.DefaultDest+")")
	c.Flags().BoolVar(&fix, "fix", false, "mend what is safe to mend")
	return c
}

func (a *app) doctor(ctx context.Context, f exportFlags, fix bool, args []string) error {
	named := len(args) > 0 || a.Getenv("STACKS") != ""
	f.all = !named
	req, err := a.exportRequest(f, args)
	if err != nil {
		return err
	}
	s, err := a.sources()
	if err != nil {
		return err
	}
	s.Embedded.Keys.Passphrase = sync.OnceValues(s.Embedded.Keys.Passphrase) // asked for once
	d := &doctor.Doctor{Sources: s, Request: req, Named: named && len(args) == 0, Fix: fix, Now: time.Now}
	if !a.json {
		d.Told = a.printFinding
	}
	findings := d.Run(ctx)
	count := map[doctor.Status]int{}
	for _, x := range findings {
		count[x.Status]++
	}
	if a.json {
		if err := json.NewEncoder(a.Stdout).Encode(map[string]any{
			"findings": findings, "problems": count[doctor.Problem], "warnings": count[doctor.Warning],
		}); err != nil {
			return err
		}
	} else if !a.quiet {
		fmt.Fprintf(a.Stdout, "\n%s, %s\n", plural(count[doctor.Problem], "problem"), plural(count[doctor.Warning], "warning"))
	}
	if count[doctor.Problem] > 0 {
		return &reported{rinca.Errorf(rinca.Partial, "%s", plural(count[doctor.Problem], "problem"))}
	}
	return nil
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func (a *app) printFinding(f doctor.Finding) {
	mark := map[doctor.Status]string{doctor.OK: "✓", doctor.Warning: "!", doctor.Problem: "✗", doctor.Skipped: "-"}[f.Status]
	if a.quiet && f.Status != doctor.Problem {
		return
	}
	fmt.Fprintf(a.Stdout, "%s %-12s %s\n", mark, f.Check, f.Message)
	if f.Mend != "" {
		fmt.Fprintf(a.Stdout, "  %-12s → %s\n", "", f.Mend)
	}
}
