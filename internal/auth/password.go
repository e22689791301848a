package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"rinca/internal/rinca"
)

// The cost of a password: t=2, m=19 MiB, p=2 takes about 12 ms.
const (
	argonTime    = 2
	argonMemory  = 19 << 10 // KiB
	argonThreads = 2
	argonSalt    = 16
	argonKey     = 32
)

// The lengths of a password, in characters and in bytes.
const (
	MinPassword = 12
	maxPassword = 1024
)

// A hasher hashes and verifies passwords, a few at a time: each takes 19 MiB.
type hasher struct {
	slots   chan struct{}
	waiting atomic.Int64
	// decoy is verified when there is no hash, so that the time of an answer
	// does not tell whether a user exists.
	decoy string
}

// maxWaiting is how many logins may wait for a slot before more are refused.
const maxWaiting = 64

func newHasher() *hasher {
	h := &hasher{slots: make(chan struct{}, max(1, min(runtime.NumCPU(), 8)))}
	salt, key := make([]byte, argonSalt), make([]byte, argonKey)
	rand.Read(salt)
	rand.Read(key)
	h.decoy = phc(salt, key) // to make the hash of a password would take its time, and its 19 MiB, at each start
	return h
}

// enter waits for a slot; the function that it returns gives it back.
func (h *hasher) enter(ctx context.Context) (leave func(), err error) {
	if h.waiting.Add(1) > maxWaiting {
		h.waiting.Add(-1)
		return nil, rinca.Errorf(rinca.RateLimited, "too many sign in at once").Try("again in a few seconds")
	}
	defer h.waiting.Add(-1)
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, rinca.Errorf(rinca.Canceled, "canceled").Because(ctx.Err())
	}
}

// hash returns the PHC string of a password.
func (h *hasher) hash(ctx context.Context, password rinca.Secret) (rinca.Secret, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return rinca.Secret{}, err
	}
	defer leave()
	return rinca.NewSecret(hash(password)), nil
}

// verify reports whether the password has that hash. No hash takes as long as
// a wrong password.
func (h *hasher) verify(ctx context.Context, phc, password rinca.Secret) (bool, error) {
	if password.Len() > maxPassword {
		password = rinca.NewSecret("") // none is that long
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	if phc.IsEmpty() {
		_, _ = verify(h.decoy, password)
		return false, nil
	}
	return verify(phc.Reveal(), password)
}

func hash(password rinca.Secret) string {
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	key := argon2.IDKey([]byte(password.Reveal()), salt, argonTime, argonMemory, argonThreads, argonKey)
	return phc(salt, key)
}

// phc writes a hash of today's cost.
func phc(salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads, b64.EncodeToString(salt), b64.EncodeToString(key))
}

// verify reports whether a password has a hash; a string that is no hash of
// ours is an error Corrupt.
func verify(phc string, password rinca.Secret) (bool, error) {
	p, err := parsePHC(phc)
	if err != nil {
		return false, err
	}
	got := argon2.IDKey([]byte(password.Reveal()), p.salt, p.time, p.memory, p.threads, uint32(len(p.key)))
	return subtle.ConstantTimeCompare(got, p.key) == 1, nil
}

// outdated reports whether a hash was made with less than today's cost.
func outdated(phc rinca.Secret) bool {
	p, err := parsePHC(phc.Reveal())
	return err == nil && (p.memory < argonMemory || p.time < argonTime)
}

type phcParts struct {
	memory, time uint32
	threads      uint8
	salt, key    []byte
}

func parsePHC(s string) (phcParts, error) {
	damaged := rinca.Errorf(rinca.Corrupt, "the stored hash of a password is damaged").Try("rinca user password NAME   # as another administrator")
	part := strings.Split(s, "$")
	if len(part) != 6 || part[0] != "" || part[1] != "argon2id" {
		return phcParts{}, damaged
	}
	var p phcParts
	var version int
	if n, err := fmt.Sscanf(part[2]+" "+part[3], "v=%d m=%d,t=%d,p=%d", &version, &p.memory, &p.time, &p.threads); n != 4 || err != nil || version != argon2.Version {
		return phcParts{}, damaged
	}
	var err1, err2 error
	p.salt, err1 = base64.RawStdEncoding.DecodeString(part[4])
	p.key, err2 = base64.RawStdEncoding.DecodeString(part[5])
	// The bounds keep a damaged record from taking all memory or all day.
	if err1 != nil || err2 != nil || p.memory < 8 || p.memory > 256<<10 || p.time < 1 || p.time > 16 || p.threads < 1 || len(p.salt) < 8 || len(p.key) < 16 || len(p.key) > 64 {
		return phcParts{}, damaged
	}
	return p, nil
}

// CheckPassword reports why a password cannot be that user's: its length, its
// characters, or that it is among the first that anybody would try. There are
// no rules on kinds of characters. Code Invalid; the error never shows it.
func CheckPassword(user string, password rinca.Secret) error {
	s := password.Reveal()
	refuse := func(format string, args ...any) error {
		return rinca.Errorf(rinca.Invalid, format, args...).Try("four or five random words, or what a password manager makes")
	}
	switch n := utf8.RuneCountInString(s); {
	case !utf8.ValidString(s):
		return refuse("the password is not UTF-8")
	case n < MinPassword:
		return refuse("the password has %d characters; it needs at least %d", n, MinPassword)
	case len(s) > maxPassword:
		return refuse("the password is longer than %d bytes", maxPassword)
	case strings.ContainsFunc(s, unicode.IsControl):
		return refuse("the password holds a control character, such as a line break")
	case strings.TrimSpace(s) != s:
		return refuse("the password begins or ends with a blank, which is often lost")
	}
	lower := strings.ToLower(s)
	different := map[rune]bool{}
	for _, r := range lower {
		different[r] = true
	}
	switch {
	case len(different) < 5:
		return refuse("the password has fewer than 5 different characters")
	case isRun(lower):
		return refuse("the password is a row of the keyboard or of the alphabet")
	}
	rest := lower
	name, _, _ := strings.Cut(strings.ToLower(user), "@")
	for _, w := range append(commonWords(), strings.ToLower(user), name) {
		if len(w) >= 3 {
			rest = strings.ReplaceAll(rest, w, "")
		}
	}
	letters := strings.TrimFunc(rest, func(r rune) bool { return !unicode.IsLetter(r) })
	if rest != lower && utf8.RuneCountInString(letters) < 6 {
		return refuse("the password is little more than a common word, or the user's name")
	}
	return nil
}

// commonWords are the bases of the passwords that are tried first. Longer
// words come before words within them.
func commonWords() []string {
	return []string{
		"administrator", "passw0rd", "p@ssw0rd", "p@ssword", "passwort", "password", "qwertyuiop", "qwertzuiop", "asdfghjkl", "changeme", "change-me", "letmein", "iloveyou",
		"welcome", "sunshine", "princess", "football", "baseball", "superman", "trustno1", "homelab", "default", "monkey", "dragon", "master", "secret", "qwerty", "qwertz",
		"azerty", "komodo", "rinca", "docker", "admin", "root", "test", "login", "hello", "guest",
	}
}

// isRun reports whether s is made of neighbours on the keyboard or in the
// alphabet, forward or backward, all of it.
func isRun(s string) bool {
	for _, row := range []string{"abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "1234567890qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm"} {
		var back []rune
		for _, r := range row {
			back = append([]rune{r}, back...)
		}
		if strings.Contains(row, s) || strings.Contains(string(back), s) {
			return true
		}
	}
	return false
}

// oneTimePassword makes a password for the first login: 5 groups of 5
// characters, 25 × 5 bits.
func oneTimePassword() rinca.Secret {
	s := strings.ToLower(rand.Text())
	return rinca.NewSecret(strings.Join([]string{s[:5], s[5:10], s[10:15], s[15:20], s[20:25]}, "-"))
}
