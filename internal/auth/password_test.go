package auth

import (
	"context"
	"strings"
	"sync"
	"testing"

	"rinca/internal/rinca"
)

func TestCheckPassword(t *testing.T) {
	for password, want := range map[string]string{
		"correct horse battery staple":  "",
		"kX9-fj2Lq#pz":                  "",
		"protest march banana":          "",
		"вода огонь земля":              "",
		"":                              "has 0 characters",
		"short":                         "has 5 characters",
		"aaaaaaaaaaaaaaaa":              "fewer than 5 different",
		"abababababab1":                 "fewer than 5 different",
		"123456789012":                  "row of the keyboard",
		"qwertyuiopas":                  "row of the keyboard",
		"nmlkjihgfedcb":                 "row of the keyboard",
		"Password1234!":                 "common word",
		"Administrator1":                "common word",
		"bob-2024-bob-2024":             "",
		"alice1234567":                  "common word",
		"changeme-changeme":             "common word",
		"correct\nhorse battery":        "control character",
		" correct horse battery":        "blank",
		"correct horse \xff battery":    "UTF-8",
		strings.Repeat("abcdefg ", 200): "longer than",
	} {
		err := CheckPassword("alice", rinca.NewSecret(password))
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || rinca.CodeOf(err) != rinca.Invalid || rinca.HintOf(err) == "") {
			t.Errorf("%q: want %q, got %v", password, want, err)
		}
		if err != nil && len(password) > 6 && strings.Contains(err.Error(), password) {
			t.Errorf("the error shows it: %v", err)
		}
	}
	if err := CheckPassword("admin", oneTimePassword()); err != nil {
		t.Error(err)
	}
}

func TestHash(t *testing.T) {
	h := newHasher()
	ctx := t.Context()
	a, err := h.hash(ctx, rinca.NewSecret("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	b, _ := h.hash(ctx, rinca.NewSecret("correct horse"))
	if a.Equal(b) || !strings.HasPrefix(a.Reveal(), "$argon2id$v=19$m=19456,t=2,p=2$") || outdated(a) {
		t.Errorf("%q", a.Reveal())
	}
	for password, want := range map[string]bool{"correct horse": true, "correct hors": false, "": false, strings.Repeat("x", 5000): false} {
		if ok, err := h.verify(ctx, a, rinca.NewSecret(password)); err != nil || ok != want {
			t.Errorf("%q: %v %v", password, ok, err)
		}
	}
	if ok, err := h.verify(ctx, rinca.Secret{}, rinca.NewSecret("x")); ok || err != nil {
		t.Errorf("no hash: %v %v", ok, err)
	}
	if !outdated(rinca.NewSecret("$argon2id$v=19$m=8192,t=2,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA")) {
		t.Error("a cheap hash is not outdated")
	}
	for _, bad := range []string{
		"x", "$argon2i$v=19$m=19456,t=2,p=2$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=99999999,t=2,p=2$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=19456,t=0,p=2$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=19456,t=2,p=2$c2FsdHNhbHQ$", "$argon2id$v=19$m=19456,t=2,p=2$*$*",
	} {
		if _, err := h.verify(ctx, rinca.NewSecret(bad), rinca.NewSecret("x")); rinca.CodeOf(err) != rinca.Corrupt {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestFewHashAtOnce(t *testing.T) {
	h := newHasher()
	for range cap(h.slots) {
		h.slots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range maxWaiting {
		wg.Go(func() {
			if _, err := h.hash(ctx, rinca.NewSecret("x")); rinca.CodeOf(err) != rinca.Canceled {
				t.Errorf("waiting: %v", err)
			}
		})
	}
	for h.waiting.Load() < maxWaiting { // they are on their way
		select {
		case <-t.Context().Done():
			t.Fatal("they never wait")
		default:
		}
	}
	if _, err := h.verify(ctx, rinca.Secret{}, rinca.NewSecret("x")); rinca.CodeOf(err) != rinca.RateLimited {
		t.Errorf("one too many: %v", err)
	}
	cancel()
	wg.Wait()
}

func FuzzPHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := parsePHC(s); err != nil && rinca.CodeOf(err) != rinca.Corrupt {
			t.Error(err)
		}
	})
}
