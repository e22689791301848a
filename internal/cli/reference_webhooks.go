package cli

import (
	_ "embed"
	"fmt"
	"strings"

	"rinca/internal/webhook"
)

//go:embed reference_webhooks.md
var referenceWebhooksText string // what the page says below the lists

// referenceWebhooks prints the addresses and headers that the listener reads.
func referenceWebhooks() string {
	var b strings.Builder
	b.WriteString(generated + "# Webhooks\n\n`rinca serve` receives deliveries by POST at the addresses below. `rinca webhook url` prints those of a resource.\n\n## Addresses\n\n| Address | What a push does there |\n| --- | --- |\n")
	for _, f := range webhook.Forms() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", strings.TrimSuffix(webhook.Prefix+"{provider}/"+f.Path, "/"), f.Doc)
	}
	b.WriteString("\nNames are escaped as in any URL: `Export%20Secrets`. A branch may hold slashes.\n\n## Providers\n\n| Provider | Sender | Proof | Event | Id of the delivery |\n| --- | --- | --- | --- | --- |\n")
	for _, s := range webhook.Senders() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", s.Name, s.Doc, s.Proof, strings.Join(s.Events, ", "), strings.Join(s.IDs, ", "))
	}
	b.WriteString(referenceWebhooksText)
	return b.String()
}
