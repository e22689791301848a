package compose

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"rinca/internal/rinca"
)

// Inputs are keyed digests of what a service is made from. Those of secrets,
// configs and mounts decide whether it is recreated; Compose's config hash
// decides for the rest, which is there so that a plan can name what changed.
type inputs struct {
	Key   string            `json:"key"`   // tells which key the digests were made with
	Parts map[string]string `json:"parts"` // such as "env:DB_HOST" or "secret:token"
	files []string          // what is read: a container that is older is not of them
}

// The prefixes of the names of parts.
const (
	partEnv    = "env:"
	partSecret = "secret:"
	partConfig = "config:"
	partMount  = "mount:"
	partSetup  = "setup:" // an attribute of the service, such as "command"
)

// digest is one digest of the parts that Compose's hash does not cover.
func (in inputs) digest() string {
	h := sha256.New()
	io.WriteString(h, in.Key+"\n") //nolint:errcheck // a hash takes everything
	for _, name := range slices.Sorted(maps.Keys(in.Parts)) {
		if decides(name) {
			io.WriteString(h, name+"="+in.Parts[name]+"\n") //nolint:errcheck // a hash takes everything
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// decides reports whether a part alone is a reason to recreate a service.
func decides(name string) bool {
	return !strings.HasPrefix(name, partEnv) && !strings.HasPrefix(name, partSetup)
}

func (in inputs) labels() types.Labels {
	text, err := json.Marshal(in)
	if err != nil {
		text = []byte("{}") // strings always encode
	}
	return types.Labels{labelDigest: in.digest(), labelInputs: string(text)}
}

// readInputs reads the labels of a container; false for one that is not ours,
// or whose digests were made with another key.
func readInputs(labels map[string]string, key string) (in inputs, ok bool) {
	err := json.Unmarshal([]byte(labels[labelInputs]), &in)
	return in, err == nil && labels[labelDigest] != "" && in.Key == key
}

// changed names the parts that differ.
func (in inputs) changed(old inputs) []string {
	var names []string
	for name, value := range in.Parts {
		if old.Parts[name] != value {
			names = append(names, name)
		}
	}
	for name := range old.Parts {
		if _, ok := in.Parts[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// A digester makes the inputs of a project's services.
type digester struct {
	d        *deployment
	contents map[string]content // of files, by path
	trees    map[string]string  // digests of mounted directories and files
	key      string
}

// A content is what a file holds; err when it cannot be read.
type content struct {
	text []byte
	err  error
}

func newDigester(d *deployment) *digester {
	id := d.spec.Digest("compose key")
	return &digester{d: d, contents: map[string]content{}, trees: map[string]string{}, key: hex.EncodeToString(id[:6])}
}

// part digests a value that belongs to a service, under a name.
func (g *digester) part(service, name string, data ...string) string {
	all := [][]byte{[]byte(g.d.spec.Name), []byte(service), []byte(name)}
	for _, s := range data {
		all = append(all, []byte(s))
	}
	sum := g.d.spec.Digest("compose input", all...)
	return hex.EncodeToString(sum[:8])
}

// of makes the inputs of one service.
func (g *digester) of(s types.ServiceConfig) (inputs, error) {
	in := inputs{Key: g.key, Parts: map[string]string{}}
	for key, value := range s.Environment {
		set, v := "unset", ""
		if value != nil {
			set, v = "set", *value
		}
		in.Parts[partEnv+key] = g.part(s.Name, partEnv+key, set, v)
	}
	for _, ref := range s.Secrets {
		g.object(&in, s.Name, partSecret+ref.Source, types.FileObjectConfig(g.d.project.Secrets[ref.Source]))
	}
	for _, ref := range s.Configs {
		g.object(&in, s.Name, partConfig+ref.Source, types.FileObjectConfig(g.d.project.Configs[ref.Source]))
	}
	for _, v := range s.Volumes {
		if v.Type != types.VolumeTypeBind {
			continue
		}
		files := g.tracked(v.Source)
		if len(files) == 0 {
			continue
		}
		in.Parts[partMount+v.Target] = g.part(s.Name, partMount+v.Target, g.d.live(v.Source), g.tree(v.Source, files))
		in.files = append(in.files, files...)
	}
	return in, g.setup(&in, s)
}

// object digests a secret or a config.
func (g *digester) object(in *inputs, service, name string, o types.FileObjectConfig) {
	if o.File != "" {
		c := g.read(name, o.File)
		text := string(c.text)
		if c.err != nil {
			text = "unreadable"
		}
		in.Parts[name] = g.part(service, name, "file", g.d.live(o.File), text)
		in.files = append(in.files, o.File)
		return
	}
	in.Parts[name] = g.part(service, name, "text", "", g.d.inline(o))
}

// inline is the value of a secret or config that is not a file.
func (d *deployment) inline(o types.FileObjectConfig) string {
	if o.Content != "" || o.Environment == "" {
		return o.Content
	}
	return d.project.Environment[o.Environment]
}

// setup digests the attributes of a service, so that a plan can name them.
func (g *digester) setup(in *inputs, s types.ServiceConfig) error {
	s.Environment, s.Build, s.PullPolicy, s.Scale, s.DependsOn, s.Profiles = nil, nil, "", nil, nil, nil
	s.Volumes = slices.Clone(s.Volumes)
	for i := range s.Volumes {
		s.Volumes[i].Source = g.d.live(s.Volumes[i].Source)
	}
	text, err := json.Marshal(s)
	var attributes map[string]json.RawMessage
	if err == nil {
		err = json.Unmarshal(text, &attributes)
	}
	if err != nil {
		return rinca.Errorf(rinca.Internal, "encode service %s: %w", s.Name, err)
	}
	for name, value := range attributes {
		if string(value) != "null" {
			in.Parts[partSetup+name] = g.part(s.Name, partSetup+name, string(value))
		}
	}
	return nil
}

func (g *digester) read(what, path string) content {
	if c, ok := g.contents[path]; ok {
		return c
	}
	var c content
	f, err := g.d.policy.open(what, path)
	if err != nil {
		c.err = err
	} else {
		c.text, c.err = io.ReadAll(io.LimitReader(f, maxFile+1))
		f.Close()
	}
	g.contents[path] = c
	return c
}

// tracked lists the tracked files that a mount of path shows.
func (g *digester) tracked(path string) []string {
	var files []string
	for _, f := range g.d.spec.Tracked {
		if within(path, f) {
			files = append(files, f)
		}
	}
	slices.Sort(files)
	return files
}

// tree digests the files of a mount: their names, whether they run, and what
// they hold. Files that nobody reads into memory are digested on the way.
func (g *digester) tree(path string, files []string) string {
	if known, ok := g.trees[path]; ok {
		return known
	}
	h := sha256.New()
	for _, f := range files {
		sum, mode := "missing", ""
		if file, err := g.d.policy.openAny("mount", f); err == nil {
			one := sha256.New()
			if info, err := file.Stat(); err == nil && info.Mode()&0o111 != 0 {
				mode = "x"
			}
			if _, err := io.Copy(one, file); err == nil {
				sum = hex.EncodeToString(one.Sum(nil))
			}
			file.Close()
		}
		io.WriteString(h, strings.TrimPrefix(f, path)+"\x00"+mode+"\x00"+sum+"\n") //nolint:errcheck // a hash takes everything
	}
	g.trees[path] = hex.EncodeToString(h.Sum(nil))
	return g.trees[path]
}
