package connectapi

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/vault/embedded"
)

// NewToken makes a token with the rights that t describes, and stores its
// record. The token has the form that Connect's have, a signed JWT, because
// clients and people read it; what counts here is that it is known, not what
// it says, so the key that signs it is forgotten.
func NewToken(ctx context.Context, db *embedded.DB, t embedded.Token) (rinca.Secret, embedded.Token, error) {
	id := make([]byte, 17)
	rand.Read(id)
	t.ID = strings.ToLower(base32.StdEncoding.EncodeToString(id)[:26])
	token, err := sign(t)
	if err != nil {
		return rinca.Secret{}, t, err
	}
	t, err = db.CreateToken(ctx, token, t)
	return token, t, err
}

func sign(t embedded.Token) (rinca.Secret, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return rinca.Secret{}, fmt.Errorf("make a key: %w", err)
	}
	type right struct {
		Vault  string `json:"u"`
		Access int    `json:"a"`
	}
	var rights []right
	for _, v := range slices.Sorted(maps.Keys(t.Vaults)) {
		access := 0
		if t.Vaults[v].Read {
			access |= 48
		}
		if t.Vaults[v].Write {
			access |= 448
		}
		rights = append(rights, right{v, access})
	}
	claims := map[string]any{
		"1password.com/auuid": t.ID, "1password.com/token": t.ID, "1password.com/fts": []string{"vaultaccess"}, "1password.com/vts": rights,
		"aud": []string{"com.1password.connect"}, "iss": "rinca", "sub": t.ID, "jti": t.ID, "iat": time.Now().Unix(),
	}
	if !t.Expires.IsZero() {
		claims["exp"] = t.Expires.Unix()
	}
	text := part(map[string]string{"alg": "ES256", "kid": t.ID, "typ": "JWT"}) + "." + part(claims)
	digest := sha256.Sum256([]byte(text))
	r, sig, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		return rinca.Secret{}, fmt.Errorf("sign the token: %w", err)
	}
	both := make([]byte, 64)
	r.FillBytes(both[:32])
	sig.FillBytes(both[32:])
	return rinca.NewSecret(text + "." + base64.RawURLEncoding.EncodeToString(both)), nil
}

func part(v any) string {
	data, err := json.Marshal(v)
	if err != nil { // maps of strings and numbers always encode
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// A tokenCache keeps what the database says of a token for a second, so that
// a burst of requests asks once. A revoked token works that much longer.
type tokenCache struct {
	mu    sync.Mutex
	known map[[32]byte]cached
}

type cached struct {
	token embedded.Token
	at    time.Time
}

const cacheFor = time.Second

func (s *Server) authenticate(r *request) (embedded.Token, error) {
	kind, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	text = strings.TrimSpace(text)
	if !strings.EqualFold(kind, "Bearer") || text == "" {
		return embedded.Token{}, errorf(401, "Invalid bearer token")
	}
	now := s.cfg.Now()
	key := sha256.Sum256([]byte(text))
	t, ok := s.tokens.get(key, now)
	if !ok {
		var err error
		t, err = s.cfg.DB.FindToken(r.Context(), rinca.NewSecret(text))
		if rinca.CodeOf(err) == rinca.NotFound {
			return embedded.Token{}, errorf(401, "Invalid bearer token")
		}
		if err != nil {
			return embedded.Token{}, err
		}
		s.tokens.put(key, t, now)
	}
	if !t.Revoked.IsZero() || (!t.Expires.IsZero() && !now.Before(t.Expires)) {
		return embedded.Token{}, errorf(401, "Invalid bearer token")
	}
	if now.Sub(t.Used) >= time.Minute {
		s.activity.used(t.ID)
	}
	return t, nil
}

func (c *tokenCache) get(key [32]byte, now time.Time) (embedded.Token, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.known[key]
	return k.token, ok && now.Sub(k.at) < cacheFor && now.Sub(k.at) >= 0
}

func (c *tokenCache) put(key [32]byte, t embedded.Token, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) > 1000 {
		c.known = map[[32]byte]cached{}
	}
	c.known[key] = cached{t, now}
}

// authorize checks the right to the vault. A vault that the token does not
// name is answered alike whether it exists or not.
func authorize(rt route, r *request) error {
	right := r.token.Vaults[r.vaultID]
	switch {
	case rt.need != readVault && rt.need != writeVault:
		return nil
	case !right.Read && !right.Write:
		return errorf(403, "Authorization: token does not have access to vault %s", r.vaultID)
	case rt.need == readVault && !right.Read:
		return errorf(403, "Authorization: token does not have permission to perform read on vault %s", r.vaultID)
	case rt.need == writeVault && !right.Write:
		return errorf(403, "Authorization: token does not have permission to perform %s on vault %s", verb(rt.method), r.vaultID)
	}
	return nil
}

func verb(method string) string {
	switch method {
	case "POST":
		return "create"
	case "DELETE":
		return "delete"
	case "GET":
		return "read"
	}
	return "update"
}
