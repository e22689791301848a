package auth

import (
	"strings"
	"testing"

	"rinca/internal/rinca"
)

func TestTokens(t *testing.T) {
	token := newToken(sessionPrefix).Reveal()
	other := newToken(keyPrefix).Reveal()
	if token == other || len(token) != 59 {
		t.Errorf("%d characters", len(token))
	}
	if p, err := parseToken(token); p != sessionPrefix || err != nil {
		t.Errorf("%q %v", p, err)
	}
	if p, err := parseToken(other); p != keyPrefix || err != nil {
		t.Errorf("%q %v", p, err)
	}
	swapped := []byte(token)
	for i := 10; i < len(swapped); i++ {
		if swapped[i] != swapped[i+1] {
			swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
			break
		}
	}
	for bad, want := range map[string]string{
		"":                                     "no token",
		"ey.J0.x":                              "no token of Rinca",
		"RS_" + token[3:]:                      "no token of Rinca",
		token[:40]:                             "is cut",
		token[:58]:                             "is cut",
		token + "a":                            "mistyped",
		string(swapped):                        "mistyped",
		"rk_" + token[3:]:                      "mistyped",
		strings.ToUpper(token[:3]) + token[3:]: "no token",
		"rs_" + strings.ToUpper(token[3:]):     "mistyped",
		"rs_" + strings.Repeat("!", 56):        "mistyped",
		"rs_" + strings.Repeat("a", 1<<20):     "mistyped",
	} {
		_, err := parseToken(bad)
		if err == nil || !strings.Contains(err.Error(), want) || rinca.CodeOf(err) != rinca.Unauthenticated || rinca.HintOf(err) == "" {
			t.Errorf("%.70q: %v", bad, err)
		}
		if err != nil && len(bad) > 10 && strings.Contains(err.Error(), bad[3:]) {
			t.Error("the error shows the token")
		}
	}
}

func FuzzToken(f *testing.F) {
	f.Add("rs_")
	f.Add("rk_" + strings.Repeat("a", 56))
	f.Add(newToken(keyPrefix).Reveal())
	f.Fuzz(func(t *testing.T, s string) {
		prefix, err := parseToken(s)
		if err != nil {
			if rinca.CodeOf(err) != rinca.Unauthenticated {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		// One text stands for one token: what is accepted is what would be made.
		data, err := tokenEncoding().DecodeString(s[len(prefix):])
		if err != nil || prefix+tokenEncoding().EncodeToString(data) != s {
			t.Errorf("%q has a second form", s)
		}
	})
}
