package alert

import (
	"encoding/json"

	"rinca/internal/rinca"
)

// publish tells readers of the event stream.
func (a *Alerts) publish(x rinca.Alert) {
	if a.Hub == nil {
		return
	}
	data, err := json.Marshal(x)
	if err != nil {
		a.Log.Error("encode an alert", "alert", x.ID, "error", err)
		return
	}
	a.Hub.Publish(rinca.Event{Type: "alert", Target: x.Target, Data: data})
}
