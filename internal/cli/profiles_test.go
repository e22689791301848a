package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"rinca/internal/rinca"
)

func profileApp(t *testing.T, environ ...string) *app {
	t.Helper()
	return &app{Env: Env{Environ: append([]string{"XDG_CONFIG_HOME=" + t.TempDir()}, environ...)}}
}

func TestProfiles(t *testing.T) {
	a := profileApp(t)
	if r, err := a.remote(); err != nil || r.Host != "http://127.0.0.1:9120" || r.Key.Reveal() != "" {
		t.Errorf("%+v, %v", r, err)
	}
	if err := a.setProfile("", &profile{Host: "https://home.example", Key: "k1"}); err != nil {
		t.Fatal(err)
	}
	if err := a.setProfile("work", &profile{Host: "https://work.example", Key: "k2", User: "anna"}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(a.profilesDir(), profilesName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for _, c := range []struct {
		profile   string
		environ   []string
		host, key string
		code      rinca.Code
	}{
		{"", nil, "https://home.example", "k1", ""},
		{"work", nil, "https://work.example", "k2", ""},
		{"", []string{"RINCA_PROFILE=work"}, "https://work.example", "k2", ""},
		{"default", []string{"RINCA_PROFILE=work"}, "https://home.example", "k1", ""},
		{"", []string{"RINCA_HOST=https://home.example/"}, "https://home.example", "k1", ""},
		{"", []string{"RINCA_HOST=https://evil.example"}, "https://evil.example", "", ""},
		{"work", []string{"RINCA_HOST=https://home.example"}, "https://home.example", "", ""},
		{"", []string{"RINCA_HOST=https://h", "RINCA_API_KEY=k3"}, "https://h", "k3", ""},
		{"work", []string{"RINCA_API_KEY=k3"}, "https://work.example", "k3", ""},
		{"nosuch", nil, "", "", rinca.NotFound},
		{"", []string{"RINCA_API_KEY=a", "RINCA_API_KEY_FILE=/b"}, "", "", rinca.Invalid},
	} {
		b := *a
		b.profile, b.Environ = c.profile, append(append([]string{}, a.Environ...), c.environ...)
		r, err := b.remote()
		if r.Host != c.host || r.Key.Reveal() != c.key || rinca.CodeOf(err) != c.code {
			t.Errorf("%q %q: host %q, key of %d bytes, %v", c.profile, c.environ, r.Host, r.Key.Len(), err)
		}
	}
	if err := a.setProfile("", nil); err != nil {
		t.Fatal(err)
	}
	p, err := a.profiles()
	if err != nil || strings.Join(p.names(), " ") != "work" || p.Default != "work" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestProfilesAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"others can read it": {"", 0o640, "others can read it"},
		"not TOML":           {"[profile.x]\nkey = \"canary\n", 0o600, ":2:"},
		"unknown key":        {"[profile.x]\nkay = \"canary\"\n", 0o600, ":2:"},
	} {
		a := profileApp(t)
		path := filepath.Join(a.profilesDir(), profilesName)
		if err := os.MkdirAll(a.profilesDir(), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		_, err := a.remote()
		if rinca.CodeOf(err) != rinca.Usage || !strings.Contains(fmt.Sprint(err), c.want) || strings.Contains(fmt.Sprint(err, rinca.HintOf(err)), "canary") {
			t.Errorf("%s: %v", name, err)
		}
		if err := a.setProfile("y", &profile{Host: "h"}); err == nil {
			t.Errorf("%s: it was overwritten", name)
		}
		if got, _ := os.ReadFile(path); string(got) != c.text {
			t.Errorf("%s: it holds %q", name, got)
		}
	}
}

// Logins at once keep one another's profiles.
func TestProfilesAtOnce(t *testing.T) {
	a := profileApp(t)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := a.setProfile(fmt.Sprintf("p%d", i), &profile{Host: "https://h", Key: "k"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if p, err := a.profiles(); err != nil || len(p.Profiles) != 20 {
		t.Errorf("%d profiles, %v", len(p.Profiles), err)
	}
}
