package scheduler

import (
	"context"
	"encoding/json"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// Procedures lists the procedures that have a schedule.
func Procedures(db *store.DB) Source {
	return func(ctx context.Context) ([]Entry, error) {
		list, err := db.Procedures(ctx)
		var out []Entry
		for i := range list {
			if p := &list[i]; p.Schedule.IsSet() {
				out = append(out, entryFor(rinca.KindProcedure, p.Name, p.Schedule, "RunProcedure", "procedure"))
				out[len(out)-1].Tell = p.ScheduleAlert
			}
		}
		return out, err
	}
}

// Syncs lists the resource syncs that have a schedule.
func Syncs(db *store.DB) Source {
	return func(ctx context.Context) ([]Entry, error) {
		list, err := db.Syncs(ctx)
		var out []Entry
		for i := range list {
			if y := &list[i]; y.Schedule.IsSet() {
				out = append(out, entryFor(rinca.KindSync, y.Name, y.Schedule, "RunSync", "sync"))
			}
		}
		return out, err
	}
}

// entryFor makes the entry of a resource that an execution runs by its name.
func entryFor(kind rinca.Kind, name string, when rinca.Schedule, execution, param string) Entry {
	params, _ := json.Marshal(map[string]string{param: name}) // strings always encode
	return Entry{
		Target: rinca.Target{Kind: kind, Name: name}, Schedule: when,
		Execution: rinca.Execution{Kind: execution, Params: params},
		Cause:     "schedule of " + name,
	}
}
