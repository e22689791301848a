// Package redact masks known secrets in text and in streams: as they are, and
// in the encodings that programs print them in. It finds them across the
// borders of chunks, holds back only what may still become a secret, and
// costs little enough to stand in every stream.
package redact
