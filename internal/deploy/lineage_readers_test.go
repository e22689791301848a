package deploy

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/rinca"
)

func TestReadersOfVariables(t *testing.T) {
	const compose = `
x-common: &common
  environment: {SHARED: "[[SHARED]]"}
services:
  web:
    <<: *common
    image: "registry/[[IMAGE]]"
    environment:
      A: [[PLAIN]]
      B: ${FROM_ENV}
      C:
  worker:
    environment: ["D=$FROM_ENV", FROM_BARE]
    secrets: [token, {source: other, target: x}]
  idle:
    configs: [conf]
    labels: {l: "x"}
networks:
  default: {name: "net-[[NETWORK]]"}
secrets:
  token: {environment: FROM_SECRET}
  other: {file: ./x}
configs:
  conf: {content: "k=[[CONFIG]]"}
`
	names := []string{"SHARED", "IMAGE", "PLAIN", "ONE", "TWO", "THREE", "CONFIG", "NETWORK", "HOOK", "C_VALUE"}
	j := &job{
		stack: rinca.Stack{
			Name: "s", Environment: "FROM_ENV = [[ONE]]\nFROM_SECRET = x[[TWO]]y\nFROM_BARE = [[THREE]]\nC = [[C_VALUE]]\n",
			EnvFiles: []string{},
		},
		files:   files{dir: "/nowhere"},
		vars:    &variables{used: map[string]rinca.Secret{}},
		compose: &composeReader{raw: map[string][]byte{"/nowhere/compose.yaml": []byte(compose)}},
		facts:   rinca.ProjectFacts{Services: []rinca.ServiceFacts{{Name: "web"}, {Name: "worker"}, {Name: "idle"}}},
	}
	for _, n := range names {
		j.vars.used[n] = rinca.NewSecret("v")
	}
	want := map[string][]string{
		"SHARED": {"web"}, "IMAGE": {"web"}, "PLAIN": {"web"}, "ONE": {"web", "worker"}, "TWO": {"worker"},
		"THREE": {"worker"}, "CONFIG": {"idle"}, "C_VALUE": {"web"},
		// NETWORK may matter to all, and HOOK is in no service.
	}
	if diff := cmp.Diff(want, j.readers()); diff != "" {
		t.Error(diff)
	}
	j.compose.raw["/nowhere/other.yaml"] = []byte("services: {web: {extends: {service: worker}}}")
	if got := j.readers(); len(got) != 0 {
		t.Errorf("with extends: %v", got)
	}
}

func FuzzReaders(f *testing.F) {
	f.Add("services: {web: {environment: {A: '[[A]]'}}}")
	f.Add("x: &a {<<: *a, services: *a}\nservices: &s {web: *s, <<: [*s, *a]}")
	f.Add("services: {a: {secrets: [{source: [x]}], environment: [[A]]}}\nsecrets: &x {x: *x}")
	f.Fuzz(func(t *testing.T, text string) {
		j := &job{
			files: files{dir: "/nowhere"}, vars: &variables{used: map[string]rinca.Secret{"A": rinca.NewSecret("v")}},
			compose: &composeReader{raw: map[string][]byte{"/nowhere/compose.yaml": []byte(text)}},
			facts:   rinca.ProjectFacts{Services: []rinca.ServiceFacts{{Name: "web"}}},
		}
		for name, services := range j.readers() {
			if name != "A" || len(services) != 1 || services[0] != "web" {
				t.Errorf("%s: %v", name, services)
			}
		}
	})
}
