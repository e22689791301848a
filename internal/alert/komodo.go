package alert

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"

	"rinca/internal/rinca"
)

// The JSON that Komodo posts to its custom alerters, so that receivers made
// for it work as they are. Types that Komodo has, have its data and nothing
// else; ours have a name of their own, and data of the shape of ourData. As
// ids, resources have their names.

type komodoJSON struct {
	ID         komodoID   `json:"_id"`
	TS         int64      `json:"ts"` // milliseconds
	Resolved   bool       `json:"resolved"`
	Level      string     `json:"level"` // "OK" once it is resolved
	Target     komodoRef  `json:"target"`
	Data       komodoData `json:"data"`
	ResolvedTS *int64     `json:"resolved_ts"`
}

type komodoID struct {
	OID string `json:"$oid"`
}

type komodoRef struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

type komodoData struct {
	Type string `json:"type"`
	Data any    `json:"data"`
}

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// ourData is what alerts of types have that Komodo does not know.
type ourData struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Message string   `json:"message"`
	Details string   `json:"details"`
	Hint    string   `json:"hint"`
	Lines   []string `json:"lines"` // the last ones of what failed
	Update  string   `json:"update"`
	Count   int      `json:"count"`
}

func komodoAlert(x *rinca.Alert) komodoJSON {
	out := komodoJSON{
		ID: komodoID{objectID(x)}, TS: x.At.UnixMilli(), Resolved: x.Resolved || x.Once, Level: string(x.Level),
		Target: komodoRef{string(x.Target.Kind), x.Target.Name}, Data: komodoData{x.Type, dataOf(x)},
	}
	switch {
	case x.Once:
		out.ResolvedTS = &out.TS
	case x.Resolved:
		ts := x.ResolvedAt.UnixMilli()
		out.ResolvedTS, out.Level = &ts, string(rinca.AlertOK)
	}
	if x.Target.Kind == rinca.KindSystem {
		out.Target.ID = "system"
	}
	return out
}

// dataOf is the data of an alert as its type has it in Komodo.
func dataOf(x *rinca.Alert) any {
	name := named{x.Target.Name, x.Target.Name}
	switch x.Type {
	case rinca.AlertTest, rinca.AlertProcedureFailed, rinca.AlertSyncPending:
		return name
	case rinca.AlertServerUnreachable:
		type cause struct {
			Error string   `json:"error"`
			Trace []string `json:"trace"`
		}
		data := struct {
			named
			Region *string `json:"region"`
			Err    *cause  `json:"err"`
		}{named: name}
		if !x.Resolved {
			data.Err = &cause{x.Message, append([]string{}, x.Lines...)}
		}
		return data
	case rinca.AlertScheduleRun:
		return struct {
			Resource rinca.Kind `json:"resource_type"`
			named
		}{x.Target.Kind, name}
	case rinca.AlertCustom:
		details := x.Details
		if len(x.Lines) > 0 {
			details = strings.TrimPrefix(details+"\n"+strings.Join(x.Lines, "\n"), "\n")
		}
		return struct {
			Message string `json:"message"`
			Details string `json:"details"`
		}{x.Message, details}
	}
	return ourData{name.ID, name.Name, x.Message, x.Details, x.Hint, append([]string{}, x.Lines...), x.Update, x.Count}
}

// objectID is the id of an alert in the form of MongoDB: seconds, and what
// tells those of one second apart.
func objectID(x *rinca.Alert) string {
	sum := sha256.Sum256([]byte(x.ID))
	var id [12]byte
	binary.BigEndian.PutUint32(id[:], uint32(max(0, x.At.Truncate(time.Second).Unix()))) //nolint:gosec // until 2106
	copy(id[4:], sum[:])
	return hex.EncodeToString(id[:])
}
