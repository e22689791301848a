package vault

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"math/big"

	"rinca/internal/rinca"
)

const opensshBlock = "OPENSSH PRIVATE KEY"

// opensshKey writes a private key in OpenSSH's own form. The same key always
// gives the same bytes, so that a file rendered twice is the same twice;
// ssh-keygen puts random check bytes there.
func opensshKey(value rinca.Secret) (rinca.Secret, error) {
	block, _ := pem.Decode([]byte(value.Reveal()))
	if block == nil {
		return rinca.Secret{}, rinca.Errorf(rinca.Invalid, "ssh-format=openssh: the field is not a private key in PEM form")
	}
	if block.Type == opensshBlock {
		return rinca.NewSecret(string(pem.EncodeToMemory(block))), nil
	}
	key, err := parsePrivateKey(block)
	if err != nil {
		return rinca.Secret{}, rinca.Errorf(rinca.Invalid, "ssh-format=openssh: the field is not a private key that can be read (RSA, ECDSA or Ed25519, without a passphrase)")
	}
	public, private, ok := sshWire(key)
	if !ok {
		return rinca.Secret{}, rinca.Errorf(rinca.Invalid, "ssh-format=openssh: keys of this kind are not known to OpenSSH")
	}
	sum := sha256.Sum256(private)
	check := sum[:4]
	var inner bytes.Buffer
	inner.Write(check)
	inner.Write(check)
	inner.Write(private)
	putString(&inner, nil) // no comment
	for pad := byte(1); inner.Len()%8 != 0; pad++ {
		inner.WriteByte(pad)
	}
	var out bytes.Buffer
	out.WriteString("openssh-key-v1\x00")
	putString(&out, []byte("none")) // cipher
	putString(&out, []byte("none")) // key derivation
	putString(&out, nil)
	_ = binary.Write(&out, binary.BigEndian, uint32(1))
	putString(&out, public)
	putString(&out, inner.Bytes())
	return rinca.NewSecret(string(pem.EncodeToMemory(&pem.Block{Type: opensshBlock, Bytes: out.Bytes()}))), nil
}

func parsePrivateKey(block *pem.Block) (any, error) {
	switch block.Type {
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	}
	return x509.ParsePKCS8PrivateKey(block.Bytes)
}

// sshWire returns a key's public and private parts as SSH sends them.
func sshWire(key any) (public, private []byte, ok bool) {
	var pub, priv bytes.Buffer
	switch k := key.(type) {
	case ed25519.PrivateKey:
		public := k.Public().(ed25519.PublicKey)
		for _, b := range []*bytes.Buffer{&pub, &priv} {
			putString(b, []byte("ssh-ed25519"))
			putString(b, public)
		}
		putString(&priv, k)
	case *rsa.PrivateKey:
		putString(&pub, []byte("ssh-rsa"))
		putInt(&pub, big.NewInt(int64(k.E)))
		putInt(&pub, k.N)
		k.Precompute()
		putString(&priv, []byte("ssh-rsa"))
		for _, n := range []*big.Int{k.N, big.NewInt(int64(k.E)), k.D, k.Precomputed.Qinv, k.Primes[0], k.Primes[1]} {
			putInt(&priv, n)
		}
	case *ecdsa.PrivateKey:
		curve, known := map[int]string{256: "nistp256", 384: "nistp384", 521: "nistp521"}[k.Curve.Params().BitSize]
		point, err := k.PublicKey.Bytes()
		scalar, err2 := k.Bytes()
		if !known || err != nil || err2 != nil {
			return nil, nil, false
		}
		for _, b := range []*bytes.Buffer{&pub, &priv} {
			putString(b, []byte("ecdsa-sha2-"+curve))
			putString(b, []byte(curve))
			putString(b, point)
		}
		putInt(&priv, new(big.Int).SetBytes(scalar))
	default:
		return nil, nil, false
	}
	return pub.Bytes(), priv.Bytes(), true
}

func putString(b *bytes.Buffer, s []byte) {
	_ = binary.Write(b, binary.BigEndian, uint32(len(s)))
	b.Write(s)
}

// putInt writes a positive number; SSH's are signed, so a leading bit needs a
// zero byte before it.
func putInt(b *bytes.Buffer, n *big.Int) {
	raw := n.Bytes()
	if len(raw) > 0 && raw[0]&0x80 != 0 {
		raw = append([]byte{0}, raw...)
	}
	putString(b, raw)
}

// SSHPublicKey returns the public part of a private key as authorized_keys
// has it, and its fingerprint.
func SSHPublicKey(private rinca.Secret) (public, fingerprint string, err error) {
	refused := rinca.Errorf(rinca.Invalid, "not a private key in PEM form that OpenSSH knows")
	block, _ := pem.Decode([]byte(private.Reveal()))
	if block == nil {
		return "", "", refused
	}
	key, err := parsePrivateKey(block)
	if err != nil {
		return "", "", refused
	}
	wire, _, ok := sshWire(key)
	if !ok {
		return "", "", refused
	}
	n := binary.BigEndian.Uint32(wire)
	sum := sha256.Sum256(wire)
	return string(wire[4:4+n]) + " " + base64.StdEncoding.EncodeToString(wire), "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:]), nil
}
