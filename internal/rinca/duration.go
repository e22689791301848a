package rinca

import "time"

// A Duration is a time.Duration that is written as text, such as "90s".
type Duration time.Duration

// MarshalText writes the duration, such as "1m30s".
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads a duration, such as "90s".
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil || v < 0 {
		return Errorf(Invalid, "%.40q is no duration", text).Try(`a number and a unit, such as "90s" or "5m"`)
	}
	*d = Duration(v)
	return nil
}
