package compose_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rinca/internal/deploy/compose"
	"rinca/internal/rinca"
)

// offline is an engine that is not there: loading needs none.
func offline(t testing.TB) *compose.Engine {
	t.Helper()
	e, err := compose.Open(t.Context(), compose.Config{Server: rinca.Server{Name: "local", Address: "unix:///nowhere/docker.sock"}})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func tryLoad(t testing.TB, spec rinca.Project) (rinca.Deployment, error) {
	t.Helper()
	start := time.Now()
	d, err := offline(t).Load(t.Context(), spec)
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("load took %v", took)
	}
	return d, err
}

// A project reads and mounts nothing outside of its source and host paths,
// whatever way it tries.
func TestLoadRefusesPathsOutside(t *testing.T) {
	service := func(rest string) string { return "services: {web: {image: x, " + rest + "}}\n" }
	for name, file := range map[string]string{
		"env_file":                 service("env_file: /etc/passwd"),
		"env_file relative":        service("env_file: ../../../../../../../../etc/passwd"),
		"env_file optional":        service("env_file: [{path: /etc/none, required: false}]"),
		"env_file link":            service("env_file: link"),
		"env_file by variable":     service("env_file: \"${EVIL}\""),
		"label_file":               service("label_file: /etc/passwd"),
		"mount":                    service("volumes: [\"/etc:/etc:ro\"]"),
		"mount of the root":        service("volumes: [\"/:/host\"]"),
		"mount long":               service("volumes: [{type: bind, source: /etc/shadow, target: /x}]"),
		"mount link":               service("volumes: [\"./link:/x\"]"),
		"mount through a link":     service("volumes: [\"./dir/shadow:/x\"]"),
		"mount home":               service("volumes: [\"~/.ssh:/x\"]"),
		"secret":                   service("secrets: [a]") + "secrets: {a: {file: /etc/shadow}}\n",
		"config":                   service("configs: [a]") + "configs: {a: {file: ../../etc/hostname}}\n",
		"volume of a device":       service("volumes: [\"vol:/x\"]") + "volumes: {vol: {driver_opts: {type: none, o: bind, device: /etc}}}\n",
		"volume, rbind":            service("volumes: [\"vol:/x\"]") + "volumes: {vol: {driver: local, driver_opts: {o: \"rbind,ro\", device: /etc}}}\n",
		"volume without o":         service("volumes: [\"vol:/x\"]") + "volumes: {vol: {driver_opts: {type: none, device: /etc}}}\n",
		"include":                  "include: [/etc/passwd]\n" + service("command: x"),
		"include relative":         "include: [../outside.yaml]\n" + service("command: x"),
		"include link":             "include: [{path: link}]\n" + service("command: x"),
		"include by variable":      "include: [\"${EVIL}\"]\n" + service("command: x"),
		"include folder":           "include: [{path: ok.yaml, project_directory: /etc}]\n" + service("command: x"),
		"include env_file":         "include: [{path: ok.yaml, env_file: /etc/passwd}]\n" + service("command: x"),
		"include env_file list":    "include: [{path: ok.yaml, env_file: [ok.env, ../../x.env]}]\n" + service("command: x"),
		"include .env that leads":  "include: [leads/ok.yaml]\n" + service("command: x"),
		"include by alias":         "x-a: &a [/etc/passwd]\ninclude: *a\n" + service("command: x"),
		"extends":                  service("extends: {file: /etc/passwd, service: a}"),
		"extends relative":         service("extends: {file: ../outside.yaml, service: a}"),
		"extends by alias":         "x-f: &f /etc/passwd\n" + service("extends: {file: *f, service: a}"),
		"extends by merge":         "x-b: &b {extends: {file: /etc/passwd, service: a}}\nservices: {web: {<<: *b, image: x}}\n",
		"extends of an extended":   service("extends: {file: evil.yaml, service: a}"),
		"mount of an extended":     service("extends: {file: mounts.yaml, service: a}"),
		"mount of an included":     "include: [mounts.yaml]\n" + service("command: x"),
		"build context":            "services: {web: {build: /etc}}\n",
		"build dockerfile":         "services: {web: {build: {context: ., dockerfile: /etc/passwd}}}\n",
		"build additional context": "services: {web: {build: {context: ., additional_contexts: {a: /etc}}}}\n",
		"build cache":              "services: {web: {build: {context: ., cache_to: [\"type=local,dest=/etc/x\"]}}}\n",
		"build layout":             "services: {web: {build: {context: ., additional_contexts: {a: \"oci-layout:///etc/x\"}}}}\n",
		"api socket":               service("use_api_socket: true"),
		"seccomp":                  service("security_opt: [\"seccomp=/etc/passwd\"]"),
		"seccomp with a colon":     service("security_opt: [\"seccomp:/etc/passwd\"]"),
		"pre_start env_file":       service("pre_start: [{image: y, command: [x], per_replica: false, env_file: [{path: /etc/passwd}]}]"),
		"pre_start mount":          service("pre_start: [{image: y, command: [x], per_replica: false, volumes: [{type: bind, source: /etc, target: /x}]}]"),
	} {
		t.Run(name, func(t *testing.T) {
			spec := newSpec(t, "p", map[string]string{
				"compose.yaml": file, "ok.yaml": "services: {ok: {image: x}}\n", "ok.env": "A=1\n", "leads/ok.yaml": "services: {ok: {image: x}}\n",
				"evil.yaml":   "services: {a: {image: x, extends: {file: ../outside.yaml, service: b}}}\n",
				"mounts.yaml": "services: {a: {image: x, volumes: [\"/etc:/etc\"]}}\n",
			})
			for link, to := range map[string]string{"link": "/etc/passwd", "dir": "/etc", "leads/.env": "/etc/passwd"} {
				if err := os.Symlink(to, filepath.Join(spec.Dir, link)); err != nil {
					t.Fatal(err)
				}
			}
			spec.Environment["EVIL"] = rinca.NewSecret("/etc/passwd")
			_, err := tryLoad(t, spec)
			if rinca.CodeOf(err) != rinca.Invalid || !strings.Contains(rinca.HintOf(err), "rinca stack set p --host-path /") {
				t.Errorf("error %q, code %s, hint %q", err, rinca.CodeOf(err), rinca.HintOf(err))
			}
			if err != nil && (strings.Contains(err.Error(), "root:") || strings.Contains(err.Error(), "/proc/self")) {
				t.Errorf("the error tells too much: %v", err)
			}
		})
	}
}

// What is declared may be used, also through links.
func TestLoadAllowsHostPaths(t *testing.T) {
	shared := t.TempDir()
	if err := os.WriteFile(filepath.Join(shared, "app.env"), []byte("A=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	spec := newSpec(t, "p", map[string]string{"compose.yaml": "services: {web: {image: x, env_file: link/app.env, volumes: [\"" + shared + "/new:/new\"]}}\n"})
	if err := os.Symlink(shared, filepath.Join(spec.Dir, "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := tryLoad(t, spec); err == nil {
		t.Error("allowed without being declared")
	}
	spec.Roots = []string{shared}
	d, err := tryLoad(t, spec)
	if err != nil {
		t.Fatal(err)
	}
	if f := d.Facts().EnvFiles; len(f) != 1 || f[0].Path != filepath.Join(spec.Dir, "link/app.env") {
		t.Errorf("env files: %+v", f)
	}
}

// Nothing of this process reaches a project.
func TestLoadLeavesOurEnvironmentOut(t *testing.T) {
	t.Setenv("OP_SERVICE_ACCOUNT_TOKEN", "canary-token")
	t.Setenv("COMPOSE_PROFILES", "hidden")
	t.Setenv("COMPOSE_FILE", "/etc/passwd")
	spec := newSpec(t, "p", map[string]string{
		"compose.yaml": "services:\n  web:\n    image: x\n    command: [\"${OP_SERVICE_ACCOUNT_TOKEN}\", \"${A:-b}\"]\n    environment: {OP_SERVICE_ACCOUNT_TOKEN: }\n    env_file: app.env\n  hid: {image: y, profiles: [hidden]}\n",
		"app.env":      "FROM=${OP_SERVICE_ACCOUNT_TOKEN}.\nOP_SERVICE_ACCOUNT_TOKEN\n",
		".env":         "OP_SERVICE_ACCOUNT_TOKEN=from-dotenv\n",
	})
	var warned []string
	spec.Warn = func(text string) { warned = append(warned, text) }
	d, err := tryLoad(t, spec)
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprint(compose.Dump(d)); strings.Contains(text, "canary") || strings.Contains(text, "from-dotenv") {
		t.Errorf("the project has our environment: %s", text)
	}
	if len(d.Facts().Services) != 1 {
		t.Errorf("services: %+v", d.Facts().Services)
	}
	if len(warned) != 1 || !strings.Contains(warned[0], "${OP_SERVICE_ACCOUNT_TOKEN} is not set") {
		t.Errorf("warned: %q", warned)
	}
}

// Read is the only way in: what it returns is what is deployed, also for
// files that are included and extended.
func TestLoadReadsEverythingThroughRead(t *testing.T) {
	spec := newSpec(t, "p", map[string]string{
		"compose.yaml":     "include: [inc/a.yaml]\nservices: {web: {image: x, environment: {A: '[[S]]'}, extends: {file: base.yaml, service: b}}}\n",
		"base.yaml":        "services: {b: {image: y, environment: {B: '[[S]]'}}}\n",
		"inc/a.yaml":       "include: [deep/d.yaml]\nservices: {inc: {image: x, environment: {C: '[[S]]'}, volumes: ['./x:/x'], extends: {file: base.yaml, service: b}}}\n",
		"inc/base.yaml":    "services: {b: {image: y, environment: {D: '[[S]]'}, volumes: ['./y:/y']}}\n",
		"inc/deep/d.yaml":  "services: {deep: {image: x, environment: {E: '[[S]]'}, env_file: d.env}}\n",
		"inc/deep/d.env":   "F=1\n",
		"inc/deep/.env":    "NOT=used\n",
		"unrelated/x.yaml": "",
	})
	plain := spec.Read
	var read []string
	spec.Read = func(path string) (rinca.Secret, error) {
		read = append(read, strings.TrimPrefix(path, spec.Dir+"/"))
		text, err := plain(path)
		return rinca.NewSecret(strings.ReplaceAll(text.Reveal(), "[[S]]", "canary")), err
	}
	d, err := tryLoad(t, spec)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(compose.Dump(d))
	for _, want := range []string{"A=canary", "B=canary", "C=canary", "D=canary", "E=canary", "F=1", spec.Dir + "/inc/x", spec.Dir + "/inc/y"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in %s", want, text)
		}
	}
	if strings.Contains(text, "rinca:") || strings.Contains(text, "/proc/self") {
		t.Errorf("traces of references: %s", text)
	}
	if len(read) != 5 {
		t.Errorf("read: %q", read)
	}
}

// Bad files give one clear error, and soon.
func TestLoadRefusesBadFiles(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for i, name := range strings.Split("bcdefghijklmnop", "") {
		previous := string("abcdefghijklmnop"[i])
		bomb += fmt.Sprintf("%s: &%s [*%s,*%s,*%s,*%s,*%s,*%s,*%s,*%s,*%s]\n", name, name, previous, previous, previous, previous, previous, previous, previous, previous, previous)
	}
	merge := "x-a: &a {k0: v}\n"
	for i := range 22 {
		merge += fmt.Sprintf("x-a%d: &a%d {l: &b%d [*a%s, *a%s]}\n", i, i, i, map[bool]string{true: "", false: fmt.Sprint(i - 1)}[i == 0], map[bool]string{true: "", false: fmt.Sprint(i - 1)}[i == 0])
	}
	deep := strings.Repeat("[", 100000)
	for name, c := range map[string]struct{ file, want string }{
		"empty":            {"", "empty compose file"},
		"comment":          {"# nothing\n", "empty compose file"},
		"list":             {"- a\n", "mapping"},
		"syntax":           {"services:\n  web: {image: x\n", "compose.yaml"},
		"tab":              {"services:\n\tweb: {}\n", "compose.yaml"},
		"schema":           {"services: {web: {image: x, prots: [1]}}\n", "prots"},
		"no image":         {"services: {web: {command: x}}\n", "neither an image nor a build"},
		"undefined dep":    {"services: {web: {image: x, depends_on: [b]}}\n", "undefined service"},
		"dependency cycle": {"services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [a]}}\n", "cycle"},
		"duplicate key":    {"services: {web: {image: x}}\nservices: {}\n", "already"},
		"bomb":             {bomb + "services: {web: {image: x}}\n", ""},
		"merge bomb":       {merge + "services: {web: {image: x, x-b: *a21}}\n", ""},
		"deep":             {"services: " + deep + "\n", ""},
		"include itself":   {"include: [compose.yaml]\nservices: {web: {image: x}}\n", "cycle"},
		"include deeper":   {"include: [{path: \"${DIR}/compose.yaml\", project_directory: ./x}]\nservices: {web: {image: x}}\n", "perhaps itself"},
		"extends itself":   {"services: {web: {image: x, extends: {file: compose.yaml, service: web}}}\n", "ircular"},
		"remote include":   {"include: [\"https://example.org/a.git\"]\nservices: {web: {image: x}}\n", "must be in the source"},
		"oci include":      {"include: [\"oci://example.org/a\"]\nservices: {web: {image: x}}\n", "must be in the source"},
		"missing include":  {"include: [none.yaml]\nservices: {web: {image: x}}\n", "none.yaml"},
		"required":         {"services: {web: {image: \"${IMAGE_NAME:?name it}\"}}\n", "name it"},
		"bad template":     {"services: {web: {image: \"${\"}}\n", "image"},
		"provider":         {"services: {web: {provider: {type: x}}}\n", "provider"},
		"fifo":             {"services: {web: {image: x, env_file: fifo}}\n", "not a file"},
		"device":           {"services: {web: {image: x, env_file: dir}}\n", "not a file"},
		"build by git":     {"services: {web: {build: \"https://example.org/a.git\"}}\n", "no absolute path"},
		"build with agent": {"services: {web: {build: {context: ., ssh: [default]}}}\n", "SSH agent"},
		"secret unset":     {"services: {web: {image: x, secrets: [a]}}\nsecrets: {a: {environment: NOT_SET}}\n", "NOT_SET"},
		"env_file missing": {"services: {web: {image: x, env_file: [a.env, b.env]}}\n", "2 problems"},
		"env_file bad":     {"services: {web: {image: x, env_file: bad.env}}\n", "bad.env"},
		"binary":           {"\x00\x01\x02", "compose.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := newSpec(t, "p", map[string]string{"compose.yaml": c.file, "bad.env": "A='1\n=\n\x00", "dir/x": ""})
			if err := syscall.Mkfifo(filepath.Join(spec.Dir, "fifo"), 0o600); err != nil {
				t.Fatal(err)
			}
			spec.Environment["DIR"] = rinca.NewSecret(spec.Dir)
			d, err := tryLoad(t, spec)
			if err == nil { // what may come later is an error of Apply
				err = d.Apply(t.Context(), rinca.Plan{}, nil)
			}
			if err == nil {
				if c.want != "" {
					t.Error("loaded")
				}
				return
			}
			if code := rinca.CodeOf(err); code != rinca.Invalid && code != rinca.NotFound {
				t.Errorf("code %s of %v", code, err)
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "/proc/self") || strings.Contains(err.Error(), "rinca:") {
				t.Errorf("error %.400s", err)
			}
		})
	}
}

// A big file takes a moment, not a minute.
func TestLoadReadsBigFiles(t *testing.T) {
	var b strings.Builder
	b.WriteString("services:\n")
	for i := range 100 {
		fmt.Fprintf(&b, "  s%d:\n    image: x\n    environment:\n", i)
		for j := range 50 {
			fmt.Fprintf(&b, "      KEY_%d: \"%s\"\n", j, strings.Repeat("v", 1000))
		}
	}
	t.Logf("%d KB", b.Len()>>10)
	spec := newSpec(t, "p", map[string]string{"compose.yaml": b.String()})
	start := time.Now()
	if _, err := tryLoad(t, spec); err != nil {
		t.Fatal(err)
	}
	t.Logf("loaded in %v", time.Since(start))
	text := "services: {web: {image: x, command: \"" + strings.Repeat("x", 9<<20) + "\"}}\n"
	if _, err := tryLoad(t, newSpec(t, "p", map[string]string{"compose.yaml": text})); rinca.CodeOf(err) != rinca.Invalid {
		t.Errorf("a huge file: %v", err)
	}
}

func TestFactsSayWhatAProjectUses(t *testing.T) {
	spec := newSpec(t, "p", map[string]string{
		"compose.yaml": `
services:
  web: {image: "web:1", restart: always, healthcheck: {test: [CMD, x]}, env_file: [a.env, {path: b.env, required: false}], secrets: [s], volumes: ["./data:/d", {type: bind, source: ./f, target: /f, bind: {create_host_path: false}}]}
  job: {image: job, restart: "no", env_file: a.env, configs: [c]}
  init: {image: job}
  api: {build: ., depends_on: {init: {condition: service_completed_successfully}}}
secrets: {s: {file: s.txt}, unused: {file: none.txt}}
configs: {c: {file: c.txt}}
`, "a.env": "PASSWORD=canary-env\n", "s.txt": "canary-secret", "c.txt": "c",
	})
	d, err := tryLoad(t, spec)
	if err != nil {
		t.Fatal(err)
	}
	facts := d.Facts()
	var b strings.Builder
	for _, s := range facts.Services {
		fmt.Fprintf(&b, "%s %s %v %v\n", s.Name, s.Image, s.OneShot, s.Health)
	}
	for kind, list := range map[string][]rinca.FileUse{"env": facts.EnvFiles, "secret": facts.SecretFiles, "config": facts.ConfigFiles, "bind": facts.Binds} {
		for _, f := range list {
			fmt.Fprintf(&b, "%s %s %v %v %v\n", kind, strings.TrimPrefix(f.Path, spec.Dir+"/"), f.Services, f.Optional, f.Create)
		}
	}
	for _, want := range []string{
		"api p-api false false", "init job true false", "job job true false", "web web:1 false true",
		"env a.env [job web] false false", "env b.env [web] true false", "secret s.txt [web] false false",
		"config c.txt [job] false false", "bind data [web] false true", "bind f [web] false false",
	} {
		if !strings.Contains(b.String(), want+"\n") {
			t.Errorf("%q is missing in\n%s", want, &b)
		}
	}
	var values []string
	for _, v := range facts.Values {
		values = append(values, v.Reveal())
	}
	if !strings.Contains(strings.Join(values, " "), "canary-env") || !strings.Contains(strings.Join(values, " "), "canary-secret") {
		t.Errorf("values: %q", values)
	}
}
