package deploy

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"go.yaml.in/yaml/v4"

	"rinca/internal/envfile"
	"rinca/internal/interpolate"
	"rinca/internal/rinca"
)

// hooks are the stack's commands, with their variables.
type hooks struct{ pre, post *hook }

// interpolate fills in every [[NAME]]: in the compose files and what they
// include, in the environment, in the hooks. What is not known is one error
// that lists all of it, before anything runs.
func (j *job) interpolate(ctx context.Context) (string, error) {
	if j.vars == nil {
		vars, err := j.loadVariables(ctx, j.stack.Name)
		if err != nil {
			return "", err
		}
		j.vars = vars
	}
	paths, err := j.composeFiles()
	if err != nil {
		return "", err
	}
	j.compose = &composeReader{job: j, raw: map[string][]byte{}, done: map[string]rinca.Secret{}}
	j.useGiven()
	if err := j.resolveNames(ctx, paths); err != nil {
		return "", err
	}
	var missing []interpolate.Missing
	env, more, err := j.environment()
	if err != nil {
		return "", err
	}
	missing = append(missing, more...)
	j.compose.env = env
	if more, err = j.readHooks(); err != nil {
		return "", err
	}
	missing = append(missing, more...)
	for _, p := range paths {
		if err := j.compose.readAll(p); err != nil {
			return "", err
		}
	}
	if missing = append(missing, j.compose.missing...); len(missing) > 0 {
		return "", interpolate.Error(missing)
	}
	j.project.Files, j.project.Environment = paths, env
	j.Known.Set("stack:"+j.stack.Name, j.vars.secrets())
	n := len(j.vars.usedNames())
	if n == 0 {
		return "no variables", nil
	}
	return plural(n, "variable"), nil
}

// resolveNames looks up the references among every name that the stack may
// mention. Reading the files twice costs less than asking the vault twice.
func (j *job) resolveNames(ctx context.Context, paths []string) error {
	if j.vars.fixed != nil {
		return nil
	}
	text := []string{j.stack.Environment, j.stack.PreDeploy.Command, j.stack.PostDeploy.Command}
	for _, p := range append(paths, j.envFiles()...) {
		data, err := j.compose.rawFile(p)
		if err != nil {
			return err
		}
		text = append(text, string(data))
		for _, inner := range included(p, data) {
			if data, err := j.compose.rawFile(inner); err == nil { // what cannot be read is an error later
				text = append(text, string(data))
			}
		}
	}
	j.keepHeld()
	return j.vars.resolve(ctx, j.Vault, interpolate.Names(strings.Join(text, "\n")))
}

// envFiles returns the paths of the files that ${NAME} is read from: the
// stack's, or .env as for the Compose command.
func (j *job) envFiles() []string {
	if names := j.stack.EnvFiles; len(names) > 0 {
		out := make([]string, len(names))
		for i, n := range names {
			out[i] = filepath.Join(j.files.dir, n)
		}
		return out
	}
	path := filepath.Join(j.files.dir, ".env")
	if j.compose.raw[path] == nil {
		if _, err := os.Stat(path); err != nil {
			return nil
		}
	}
	return []string{path}
}

// environment returns what ${NAME} stands for: the env files, and over them
// the stack's environment.
func (j *job) environment() (map[string]rinca.Secret, []interpolate.Missing, error) {
	env := map[string]rinca.Secret{}
	var missing []interpolate.Missing
	for _, path := range j.envFiles() {
		data, err := j.compose.rawFile(path)
		if err != nil {
			return nil, nil, err
		}
		entries, err := envfile.Parse(data)
		if err == nil {
			entries, err = envfile.ExpandFrom(entries, func(name string) (string, bool) {
				v, ok := env[name]
				return v.Reveal(), ok
			})
		}
		if err != nil {
			return nil, nil, rinca.Errorf(rinca.Invalid, "%s: %w", j.files.display(path), err)
		}
		for _, e := range entries {
			if e.Optional {
				continue
			}
			value, more, err := interpolate.Text(j.files.display(path), e.Value.Reveal(), j.vars.lookup)
			if err != nil {
				return nil, nil, err
			}
			for i := range more {
				more[i].Line += e.Line - 1
			}
			missing = append(missing, more...)
			env[e.Key] = value
		}
	}
	pairs, more, err := interpolate.Environment("environment", j.stack.Environment, j.vars.lookup)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range pairs {
		env[p.Key] = p.Value
	}
	return env, append(missing, more...), nil
}

func (j *job) readHooks() ([]interpolate.Missing, error) {
	var missing []interpolate.Missing
	for _, h := range []struct {
		name string
		from rinca.Hook
		to   **hook
	}{{"pre_deploy", j.stack.PreDeploy, &j.hooks.pre}, {"post_deploy", j.stack.PostDeploy, &j.hooks.post}} {
		if strings.TrimSpace(h.from.Command) == "" {
			continue
		}
		script, env, more, err := interpolate.Shell(h.name, h.from.Command, j.vars.lookup)
		if err != nil {
			return nil, err
		}
		missing = append(missing, more...)
		*h.to = &hook{name: h.name, path: h.from.Path, script: script, env: env, timeout: h.from.Timeout}
	}
	return missing, nil
}

// A composeReader reads compose files, once each, as they are to be deployed.
type composeReader struct {
	job *job
	env map[string]rinca.Secret
	// given has the files of a generation, by path, instead of the disk's.
	given map[string][]byte

	mu      sync.Mutex
	raw     map[string][]byte
	done    map[string]rinca.Secret
	missing []interpolate.Missing
}

// rawFile returns a file as it is.
func (c *composeReader) rawFile(path string) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if data, ok := c.raw[path]; ok {
		return data, nil
	}
	data, ok := c.given[path]
	if !ok {
		var err error
		if data, err = c.job.files.read(path, c.job.stack.HostPaths); err != nil {
			if os.IsNotExist(err) {
				return nil, rinca.Errorf(rinca.NotFound, "there is no file %s", c.job.files.display(path)).Because(err)
			}
			return nil, err
		}
	}
	c.raw[path] = data
	return data, nil
}

// read returns a compose file with every [[NAME]] filled in.
func (c *composeReader) read(path string) (rinca.Secret, error) {
	data, err := c.rawFile(path)
	if err != nil {
		return rinca.Secret{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if done, ok := c.done[path]; ok {
		return done, nil
	}
	name := c.job.files.display(path)
	out, missing, err := interpolate.YAML(name, data, interpolate.Options{
		Lookup: c.job.vars.lookup,
		Env:    func(n string) bool { _, ok := c.env[n]; return ok },
		Kept: func(k interpolate.Kept) {
			c.job.warn(fmt.Sprintf("%s:%d: $%s is not set and is left to the container's shell; write $$%s to say so", k.File, k.Line, k.Name, k.Name))
		},
	})
	if err != nil {
		return rinca.Secret{}, err
	}
	c.missing = append(c.missing, missing...)
	c.done[path] = out
	return out, nil
}

// readAll reads a compose file and what it includes and extends, so far as
// that can be told before it is loaded.
func (c *composeReader) readAll(path string) error {
	if _, ok := c.done[path]; ok {
		return nil
	}
	if _, err := c.read(path); err != nil {
		return err
	}
	for _, inner := range included(path, c.raw[path]) {
		if _, err := os.Stat(inner); err != nil {
			continue // the loader says what is wrong with it
		}
		if err := c.readAll(inner); err != nil {
			return err
		}
	}
	return nil
}

// included returns the files that a compose file includes or extends, where
// their names are plain.
func included(path string, data []byte) []string {
	var doc struct {
		Include  []yaml.Node `yaml:"include"`
		Services map[string]struct {
			Extends yaml.Node `yaml:"extends"`
		} `yaml:"services"`
	}
	if !strings.Contains(string(data), "include") && !strings.Contains(string(data), "extends") {
		return nil
	}
	if yaml.Unmarshal(data, &doc) != nil {
		return nil // the loader says what is wrong with it
	}
	var names []string
	for i := range doc.Include {
		names = append(names, pathsOf(&doc.Include[i], "path")...)
	}
	for _, s := range doc.Services {
		if s.Extends.Kind == yaml.MappingNode {
			names = append(names, pathsOf(&s.Extends, "file")...)
		}
	}
	var out []string
	for _, n := range sorted(names) {
		if n == "" || strings.ContainsAny(n, "$:") {
			continue
		}
		if !filepath.IsAbs(n) {
			n = filepath.Join(filepath.Dir(path), n)
		}
		out = append(out, n)
	}
	return out
}

// pathsOf returns the texts of a node, or of one key of it.
func pathsOf(n *yaml.Node, key string) []string {
	switch n.Kind {
	case yaml.ScalarNode:
		return []string{n.Value}
	case yaml.SequenceNode:
		var out []string
		for _, c := range n.Content {
			out = append(out, pathsOf(c, key)...)
		}
		return out
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				return pathsOf(n.Content[i+1], key)
			}
		}
	}
	return nil
}

// unknown returns the error about names that were not known.
func (c *composeReader) unknown() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.missing) == 0 {
		return nil
	}
	return interpolate.Error(c.missing)
}
