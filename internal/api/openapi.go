package api

import (
	"encoding/json"

	"rinca/internal/rinca"
)

// OpenAPI TODO
func OpenAPI(version string, kinds []rinca.ExecutionKind) []byte { return []byte("{}\n") }

func paramsSchema(k rinca.ExecutionKind) (json.RawMessage, error) { return json.RawMessage("{}"), nil }
