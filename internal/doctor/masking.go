package doctor

import (
	"context"
	"fmt"

	"rinca/internal/redact"
	"rinca/internal/rinca"
)

// checkMasking names the concealed values that are too short or too ordinary
// to be masked where they appear: masking them would make all text unreadable.
func (d *Doctor) checkMasking(context.Context) bool {
	masked, good := 0, true
	for i := range d.items {
		item := &d.items[i]
		for _, f := range item.Fields {
			if f.Type != rinca.TypeConcealed || f.Value.IsEmpty() || !item.Variable(f) {
				continue
			}
			why := redact.Unmaskable(f.Value.Reveal())
			if why == "" {
				masked++
				continue
			}
			good = false
			d.warn("masking", fmt.Sprintf("'%s', %s: %s, so it is not masked in logs", item.Title, f.Label, why), "choose a longer value")
		}
	}
	if good {
		d.ok("masking", fmt.Sprintf("%d concealed values are masked wherever they appear", masked))
	}
	return true
}
