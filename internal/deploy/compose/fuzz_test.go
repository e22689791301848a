package compose

import (
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"rinca/internal/rinca"
)

// References change nothing but the paths of include and extends, whatever
// the file looks like.
func FuzzReferences(f *testing.F) {
	for _, seed := range []string{
		"include: [a.yaml, {path: [b, c], env_file: d}]\nservices: {x: {extends: {file: e, service: s}}}\n",
		"x: &a {extends: {file: f}}\ny: *a\nz: {<<: *a, K:}\n", "include:\n", "include: x\nextends: y\n", "extends: {file: [1]}\n",
		"a: !reset null\nb: !override [1]\nextends: {file: ${X}}\n---\ninclude: [&b x, *b]\n", "include: [[x]]\n", "? {a: b}\n: extends\n", "\xff include", "#include\n", "extends: &x {file: *x}\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		spec := rinca.Project{Name: "p", Dir: "/d", Source: "/d"}
		s := newSources(spec, newPolicy(spec))
		out, err := s.withReferences(target{"/d/compose.yaml", "/d"}, []byte(text))
		if err != nil || string(out) == text {
			return
		}
		var before, after any
		if yaml.Unmarshal([]byte(text), &before) != nil {
			return
		}
		if err := yaml.Unmarshal(out, &after); err != nil {
			t.Fatalf("%q became %q: %v", text, out, err)
		}
		if !reflect.DeepEqual(strip(before), strip(after)) {
			t.Errorf("%q became %q", text, out)
		}
	})
}

// strip takes out what references are put into.
func strip(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			switch key {
			case "include":
			case "file":
				if _, text := value.(string); text {
					continue
				}
				out[key] = strip(value)
			default:
				out[key] = strip(value)
			}
		}
		return out
	case map[any]any:
		return nil // Compose refuses such keys
	case []any:
		var out []any
		for _, e := range v {
			out = append(out, strip(e))
		}
		return out
	}
	return v
}

func FuzzSocketTable(f *testing.F) {
	for _, seed := range []string{"0100007F:1F90", "00000000000000000000000001000000:0050", "", ":", "zz:1", "00:0050", "0100007F:99999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ip, port, ok := parseSocket(text)
		if ok && (!ip.IsValid() || !strings.Contains(text, ":")) {
			t.Errorf("%q is %v:%d", text, ip, port)
		}
	})
}

func TestSocketTable(t *testing.T) {
	for text, want := range map[string]string{
		"0100007F:1F90": "127.0.0.1", "00000000:0050": "0.0.0.0",
		"00000000000000000000000001000000:0050": "::1", "0000000000000000FFFF00000100007F:0050": "127.0.0.1",
	} {
		if ip, _, ok := parseSocket(text); !ok || ip.String() != want {
			t.Errorf("%s is %v, want %s", text, ip, want)
		}
	}
}
