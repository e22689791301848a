// Command eso drives External Secrets' 1Password provider: it validates its
// store, reads a field and a file, finds items by tag, and pushes a secret.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	esv1 "github.com/external-secrets/external-secrets/apis/externalsecrets/v1"
	esmeta "github.com/external-secrets/external-secrets/apis/meta/v1"
	"github.com/external-secrets/external-secrets/pkg/provider/onepassword"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

func check(ok bool, format string, args ...any) {
	if !ok {
		fmt.Fprintf(os.Stderr, format+"\n", args...)
		os.Exit(1)
	}
}

// push says what is pushed where.
type push struct{ key, remote, property string }

func (p push) GetMetadata() *apiextensionsv1.JSON { return nil }
func (p push) GetSecretKey() string               { return p.key }
func (p push) GetRemoteKey() string               { return p.remote }
func (p push) GetProperty() string                { return p.property }

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	kube := fake.NewClientBuilder().WithObjects(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "token", Namespace: "default"},
		Data:       map[string][]byte{"token": []byte(os.Getenv("CONNECT_TEST_TOKEN"))},
	}).Build()
	store := &esv1.SecretStore{
		TypeMeta:   metav1.TypeMeta{Kind: "SecretStore"},
		ObjectMeta: metav1.ObjectMeta{Name: "op", Namespace: "default"},
		Spec: esv1.SecretStoreSpec{Provider: &esv1.SecretStoreProvider{OnePassword: &esv1.OnePasswordProvider{
			Auth:        &esv1.OnePasswordAuth{SecretRef: &esv1.OnePasswordAuthSecretRef{ConnectToken: esmeta.SecretKeySelector{Name: "token", Key: "token"}}},
			ConnectHost: os.Getenv("CONNECT_TEST_HOST"),
			Vaults:      map[string]int{"homelab": 1},
		}}},
	}
	provider := &onepassword.ProviderOnePassword{}
	_, err := provider.ValidateStore(store)
	check(err == nil, "store: %v", err)
	c, err := provider.NewClient(ctx, store, kube, "default")
	check(err == nil, "client: %v", err)
	result, err := c.Validate()
	check(err == nil && result == esv1.ValidationResultReady, "validate: %v %v", result, err)

	value, err := c.GetSecret(ctx, esv1.ExternalSecretDataRemoteRef{Key: "tls", Property: "KEY"})
	check(err == nil && string(value) == "value", "field: %v", err)
	value, err = c.GetSecret(ctx, esv1.ExternalSecretDataRemoteRef{Key: "tls", Property: "file/ca.pem"})
	check(err == nil && len(value) > 10, "file: %v", err)
	fields, err := c.GetSecretMap(ctx, esv1.ExternalSecretDataRemoteRef{Key: "tls"})
	check(err == nil && string(fields["KEY"]) == "value", "map: %v", err)
	_, err = c.GetSecret(ctx, esv1.ExternalSecretDataRemoteRef{Key: "none", Property: "x"})
	check(err != nil, "an item that does not exist")

	secret := &corev1.Secret{Data: map[string][]byte{"k": []byte("first")}}
	err = c.PushSecret(ctx, secret, push{"k", "pushed", "API_KEY"})
	check(err == nil, "push: %v", err)
	secret.Data["k"] = []byte("second")
	err = c.PushSecret(ctx, secret, push{"k", "pushed", "API_KEY"})
	check(err == nil, "push again: %v", err)
	value, err = c.GetSecret(ctx, esv1.ExternalSecretDataRemoteRef{Key: "pushed", Property: "API_KEY"})
	check(err == nil && string(value) == "second", "pushed: %v", err)
	err = c.DeleteSecret(ctx, push{"k", "pushed", "API_KEY"})
	check(err == nil, "delete: %v", err)
}
