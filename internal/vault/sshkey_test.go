package vault_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"testing"

	"golang.org/x/crypto/ssh"

	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// TestOpenSSHFormat: what we write is read by an SSH implementation as the
// same key, and is the same bytes each time.
func TestOpenSSHFormat(t *testing.T) {
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	rs, _ := rsa.GenerateKey(rand.Reader, 2048)
	keys := map[string]crypto.Signer{"ed25519": ed, "rsa": rs}
	for _, c := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		keys[c.Params().Name], _ = ecdsa.GenerateKey(c, rand.Reader)
	}
	for name, key := range keys {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
		first := openssh(t, text)
		signer, err := ssh.ParsePrivateKey([]byte(first))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want, _ := ssh.NewPublicKey(key.Public())
		if string(signer.PublicKey().Marshal()) != string(want.Marshal()) {
			t.Errorf("%s: another key", name)
		}
		if openssh(t, text) != first {
			t.Errorf("%s: not the same bytes twice", name)
		}
		if openssh(t, first) != first {
			t.Errorf("%s: a key that is in this form already changes", name)
		}
	}
}

func openssh(t *testing.T, key string) string {
	t.Helper()
	m := &memory{
		vaults: []rinca.Vault{{ID: homeID, Name: "v"}},
		items: []rinca.Item{{
			Info:   rinca.Info{ID: pgID, VaultID: homeID, Title: "i"},
			Fields: []rinca.Field{{ID: "private_key", Type: rinca.TypeSSHKey, Label: "private key", Value: rinca.NewSecret(key)}},
		}},
	}
	refs := parse(t, "op://v/i/private key?ssh-format=openssh")
	got, err := (&vault.Resolver{Provider: m}).Resolve(t.Context(), refs)
	if err != nil {
		t.Fatal(err)
	}
	return got[refs[0]].Reveal()
}
