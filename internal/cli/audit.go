package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

func newAudit(a *app) *cobra.Command {
	return a.remoteGroup(&cobra.Command{
		Use:   "audit",
		Short: "Read, check or export the audit log",
		Example: `  rinca audit list
  rinca audit verify
  rinca audit export > audit.jsonl`,
	}, newAuditExport(a), newAuditList(a), newAuditVerify(a))
}

func newAuditList(a *app) *cobra.Command {
	var last int
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the newest entries, oldest of them first",
		Example: "  rinca audit list --last 20",
		Aliases: []string{"ls"},
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if last < 1 || last > 1000 {
				return rinca.Errorf(rinca.Usage, "--last %d is not from 1 to 1000", last).Try("rinca audit export, for all of them")
			}
			var rows []rinca.AuditEntry
			if err := a.get(cmd.Context(), "/v1/audit?last="+strconv.Itoa(last), &rows); err != nil {
				return err
			}
			return list(a, rows, "The audit log is empty.", func(t *table, e rinca.AuditEntry) {
				action := cell{e.Action, plain}
				if !e.OK {
					action = cell{e.Action + " refused", red}
				}
				t.add(e.Seq, e.At.Local().Format(time.DateTime), e.Actor, e.Remote, action, e.Target, e.Detail)
			}, "NO", "TIME", "WHO", "FROM", "WHAT", "TARGET", "DETAIL")
		},
	}
	c.Flags().IntVar(&last, "last", 50, "`N` newest entries")
	return c
}

func newAuditVerify(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Check that the audit log is whole",
		Long: `Checks the chain of the audit log: that no entry was changed, removed, moved or
added by another hand, at its end neither. Exit status 1 when one was.`,
		Example: "  rinca audit verify",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var out struct {
				OK      bool   `json:"ok"`
				Entries int64  `json:"entries"`
				Message string `json:"message,omitempty"`
			}
			if err := a.get(cmd.Context(), "/v1/audit/verify", &out); err != nil {
				return err
			}
			if out.OK {
				return a.tell(out, "The audit log is whole: %d entries.", out.Entries)
			}
			if a.json {
				if err := encodeJSON(a.Stdout, out); err != nil {
					return err
				}
			}
			return rinca.Errorf(rinca.Corrupt, "the audit log is not whole: %s", printable(out.Message)).Try("compare it with your last rinca audit export, and ask who had access to the machine")
		},
	}
}

func newAuditExport(a *app) *cobra.Command {
	var after int64
	c := &cobra.Command{
		Use:   "export",
		Short: "Write all entries, one JSON document a line",
		Long: `Writes every entry to standard output, oldest first, one JSON document a line.
--after continues an export that was made before.`,
		Example: `  rinca audit export > audit.jsonl
  rinca audit export --after $(tail -1 audit.jsonl | jq .seq) >> audit.jsonl`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.auditExport(cmd.Context(), after) },
	}
	c.Flags().Int64Var(&after, "after", 0, "`NUMBER` of the entry to begin after")
	return c
}

func (a *app) auditExport(ctx context.Context, after int64) error {
	const page = 1000
	c, err := a.client(ctx)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(a.Stdout)
	enc := json.NewEncoder(out)
	for {
		var rows []rinca.AuditEntry
		if err := c.Do(ctx, "GET", fmt.Sprintf("/v1/audit?after=%d&limit=%d", after, page), nil, &rows); err != nil {
			return err
		}
		for i := range rows {
			if err := enc.Encode(rows[i]); err != nil {
				return rinca.Errorf(rinca.Destination, "write to standard output: %w", err)
			}
			after = max(after, rows[i].Seq)
		}
		if len(rows) < page {
			break
		}
	}
	if err := out.Flush(); err != nil {
		return rinca.Errorf(rinca.Destination, "write to standard output: %w", err)
	}
	return nil
}
