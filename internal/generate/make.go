package generate

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"rinca/internal/rinca"
)

// Lookup returns the value of another variable. Its errors should carry a
// Code; NotFound when there is no such variable.
type Lookup func(Ref) (rinca.Secret, error)

// Make makes a value. lookup is only called for the references in Refs and
// may be nil when there are none.
func (s *Spec) Make(lookup Lookup) (rinca.Secret, error) {
	if s.kind.derive != nil {
		return s.kind.derive(s, lookup)
	}
	return s.kind.make(s), nil
}

func makeGenerate(s *Spec) rinca.Secret {
	v, err := password(Recipe{Length: s.length, Letters: true, Digits: true, Symbols: s.option == "symbols"})
	if err != nil {
		panic(err) // the recipe is ours, and number has checked the length
	}
	return v
}

func makeHex(s *Spec) rinca.Secret {
	return rinca.NewSecret(hex.EncodeToString(random(s.length)))
}

func makeBase64(s *Spec) rinca.Secret {
	return rinca.NewSecret(base64.StdEncoding.EncodeToString(random(s.length)))
}

func makeBase64URL(s *Spec) rinca.Secret {
	return rinca.NewSecret(base64.RawURLEncoding.EncodeToString(random(s.length)))
}

func makeUUID(*Spec) rinca.Secret {
	b := random(16)
	b[6] = b[6]&0x0f | 0x40 // version 4
	b[8] = b[8]&0x3f | 0x80 // variant of RFC 9562
	return rinca.NewSecret(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
}

func makePIN(s *Spec) rinca.Secret { return rinca.NewSecret(pick(Digits, s.length)) }

// wordList is the English list of BIP-0039: 2,048 common words, no two of
// which share their first four letters. words.LICENSE.txt says where from.
//
//go:embed words.txt
var wordList string

func makeWords(s *Spec) rinca.Secret {
	list := strings.Fields(wordList)
	words := make([]string, s.length)
	for i := range words {
		words[i] = list[below(len(list))]
	}
	return rinca.NewSecret(strings.Join(words, "-"))
}

func makeRSA(s *Spec) rinca.Secret {
	key, err := rsa.GenerateKey(rand.Reader, s.length)
	if err != nil {
		panic(err) // only for lengths that number has refused
	}
	return privateKey(key)
}

func makeEd25519(*Spec) rinca.Secret {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // only when the system has no randomness
	}
	return privateKey(key)
}

func privateKey(key any) rinca.Secret {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err) // only for types of key it does not know
	}
	return rinca.NewSecret(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

// bcryptCost is 2^12 rounds: a fifth of a second.
const bcryptCost = 12

func deriveBcrypt(s *Spec, lookup Lookup) (rinca.Secret, error) {
	v, err := lookup(s.ref)
	if err != nil {
		return rinca.Secret{}, err
	}
	if v.IsEmpty() || v.Len() > 72 {
		return rinca.Secret{}, rinca.Errorf(rinca.Invalid, "recipe %s: bcrypt hashes 1 to 72 bytes, and %s has %d", s.kind.name, s.ref, v.Len())
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(v.Reveal()), bcryptCost)
	if err != nil {
		return rinca.Secret{}, rinca.Errorf(rinca.Internal, "recipe %s: hash %s", s.kind.name, s.ref).Because(err)
	}
	return rinca.NewSecret(string(hash)), nil
}

func deriveHtpasswd(s *Spec, lookup Lookup) (rinca.Secret, error) {
	hash, err := deriveBcrypt(s, lookup)
	if err != nil {
		return rinca.Secret{}, err
	}
	// Apache writes its own prefix for the same algorithm.
	return rinca.NewSecret(s.user + ":" + strings.Replace(hash.Reveal(), "$2a$", "$2y$", 1)), nil
}

func deriveSame(s *Spec, lookup Lookup) (rinca.Secret, error) { return lookup(s.ref) }

func deriveTemplate(s *Spec, lookup Lookup) (rinca.Secret, error) {
	var b strings.Builder
	for _, p := range s.parts {
		if p.ref.Key == "" {
			b.WriteString(p.text)
			continue
		}
		v, err := lookup(p.ref)
		if err != nil {
			return rinca.Secret{}, err
		}
		if p.escape {
			// QueryEscape writes "+" for a blank, which a user name or a
			// path would keep.
			b.WriteString(strings.ReplaceAll(url.QueryEscape(v.Reveal()), "+", "%20"))
			continue
		}
		b.WriteString(v.Reveal())
	}
	return rinca.NewSecret(b.String()), nil
}
