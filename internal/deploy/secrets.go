package deploy

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"rinca/internal/envfile"
	"rinca/internal/export"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

// exported is what the stack has on disk from the vault.
type exported struct {
	dest   string
	stacks []string
	files  []exportedFile
	// changed maps the paths of files that a plan would write to the names of
	// the variables that would change in them.
	changed map[string][]string
	stale   map[string]bool // paths of files that the vault has no more
}

// An exportedFile is one of these files, as it is.
type exportedFile struct {
	path string
	data []byte
	mode fs.FileMode
	uid  int
	gid  int
}

// secrets exports the stack's own items, through the one way that every
// export takes. When nothing changed in the vault that costs one request.
func (j *job) secrets(ctx context.Context) (string, error) {
	req := j.Vault.Request
	j.exported = exported{dest: req.Dest, stacks: j.stack.Secrets.Stacks, changed: map[string][]string{}, stale: map[string]bool{}}
	if len(j.exported.stacks) == 0 {
		j.exported.stacks = []string{j.stack.Name}
	}
	if j.stack.Secrets.Skip || j.o.SkipSecrets {
		return "skipped", j.readExported(nil)
	}
	if !j.Vault.Configured() {
		return "no vault is configured", j.readExported(nil)
	}
	if j.stack.Secrets.Vault != "" {
		req.Vault = j.stack.Secrets.Vault
	}
	req.Stacks, req.Offline = j.exported.stacks, j.stack.Secrets.Offline
	p, err := j.Vault.Export(ctx, req, j.planning)
	if err != nil {
		return "", err
	}
	note, err := j.tellExport(p)
	if err != nil {
		return "", err
	}
	return note, j.readExported(p)
}

// tellExport says what an export did, in the words of the export command. A
// stack that no item is tagged with needs nothing.
func (j *job) tellExport(p *export.Plan) (string, error) {
	for _, n := range p.Notes {
		j.rec.Say("%s", n)
	}
	files, written := 0, 0
	for i := range p.Stacks {
		s := &p.Stacks[i]
		if s.Err != nil {
			if rinca.CodeOf(s.Err) == rinca.NotFound && len(s.Problems) == 0 {
				j.rec.Say("no item is tagged %s%s", rinca.StackTag, s.Name)
				continue
			}
			return "", s.Err
		}
		for k := range s.Files {
			f := &s.Files[k]
			files++
			path := filepath.Join(p.Dir(s.Name), f.Title)
			if tell(j.rec, f) {
				written++
				j.exported.changed[path] = slices.Concat(f.Keys.Changed, f.Keys.Added, f.Keys.Removed)
			}
			if f.Action == export.Stale {
				j.exported.stale[path] = true
			}
		}
	}
	switch {
	case p.Offline:
		return "the vault is out of reach; files as they are", nil
	case files == 0:
		return "no items", nil
	case written == 0:
		return plural(files, "file") + ", no changes", nil
	}
	return plural(written, "file") + " of " + plural(files, "file") + " written", nil
}

// tell says what became of a file, and reports whether it was written.
func tell(rec *Record, f *export.File) bool {
	switch f.Action {
	case export.Exported:
		rec.Say("✓ Exported: %s", f.Title)
		return true
	case export.Updated, export.Repaired:
		rec.Say("✓ Updated: %s", f.Title)
		return true
	case export.Permissions:
		rec.Say("✓ Permissions: %s", f.Title)
	case export.Stale:
		rec.Say("! Stale: %s (the vault has it no more)", f.Title)
	case export.Unchanged, export.Offline, export.Pruned:
		if f.Held != "" {
			rec.Say("⊘ Held: %s (%s)", f.Title, f.Held)
			return false
		}
		rec.Say("⊘ No changes: %s (up to date)", f.Title)
	}
	return false
}

// readExported reads the exported files of the stack: they belong to the
// generation, and their values are masked from here on.
func (j *job) readExported(p *export.Plan) error {
	for _, stack := range j.exported.stacks {
		dir := filepath.Join(j.exported.dest, stack)
		if p != nil {
			dir = p.Dir(stack)
		}
		files, err := readEnvFiles(dir)
		if err != nil {
			return err
		}
		j.exported.files = append(j.exported.files, files...)
	}
	j.learn()
	return nil
}

// learn masks the values of the exported files. It is called again when it is
// known which services there are.
func (j *job) learn() {
	var values []rinca.Secret
	for _, f := range j.exported.files {
		values = append(values, valuesOf(f.data)...)
	}
	j.Known.Set("export:"+j.stack.Name, j.maskable(values))
}

// readEnvFiles reads the files that exports left in a directory; none when it
// is not there.
func readEnvFiles(dir string) ([]exportedFile, error) {
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, rinca.Errorf(rinca.Destination, "read the exported files: %w", err).Try("ls -ld %s   # who owns it, and who are you", dir)
	}
	var out []exportedFile
	for _, e := range entries {
		if !e.Type().IsRegular() || filepath.Ext(e.Name()) != rinca.EnvSuffix || e.Name()[0] == '.' {
			continue
		}
		path := filepath.Join(dir, e.Name())
		info, err := e.Info()
		if err != nil {
			continue // it went away; preflight says so if it is needed
		}
		data, err := os.ReadFile(path)
		if err != nil {
			continue // preflight says why, where it is needed
		}
		f := exportedFile{path: path, data: data, mode: info.Mode().Perm(), uid: -1, gid: -1}
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			f.uid, f.gid = int(st.Uid), int(st.Gid)
		}
		out = append(out, f)
	}
	return out, nil
}

// valuesOf returns the values of an env file; a file that is none is one value.
func valuesOf(data []byte) []rinca.Secret {
	entries, err := envfile.Parse(data)
	if err != nil {
		return []rinca.Secret{rinca.NewSecret(string(data))}
	}
	var out []rinca.Secret
	for _, e := range entries {
		if e.Value.IsSet() && !e.Optional {
			out = append(out, e.Value)
		}
	}
	return out
}

// maskable leaves out values that are part of names which everybody sees: of
// stacks, their sources and servers, and of the services and images of this
// one. To mask them would hide nothing, and make every line unreadable.
func (j *job) maskable(values []rinca.Secret) []rinca.Secret {
	names := []string{j.stack.Name, j.stack.ProjectName(), j.stack.ServerName(), j.exported.dest, j.names.of(j.DB)}
	for _, s := range j.facts.Services {
		names = append(names, s.Name, s.Image)
	}
	public := strings.Join(names, "\n")
	return slices.DeleteFunc(values, func(v rinca.Secret) bool {
		return !strings.Contains(v.Reveal(), "\n") && strings.Contains(public, v.Reveal())
	})
}

// publicNames are the names of all stacks, their sources and paths, as they
// were at a revision of the database.
type publicNames struct {
	mu       sync.Mutex
	known    bool
	revision int64
	text     string
}

func (p *publicNames) of(db *store.DB) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	revision := db.Revision()
	if p.known && p.revision == revision {
		return p.text
	}
	stacks, err := db.Stacks(context.Background())
	if err != nil {
		return p.text // a line reads worse
	}
	var names []string
	for i := range stacks {
		s := &stacks[i]
		names = append(names, s.Name, s.Source.Repo, s.Source.Path, s.Source.Dir)
		names = append(names, s.HostPaths...)
	}
	repos, err := db.Repos(context.Background())
	if err != nil {
		return p.text
	}
	for i := range repos {
		names = append(names, repos[i].Name, repos[i].Source.Repo)
	}
	p.known, p.revision, p.text = true, revision, strings.Join(names, "\n")
	return p.text
}

// LearnExported masks the values of every file that exports have left, before
// any stack is deployed.
func (d *Deployer) LearnExported() {
	dirs, err := os.ReadDir(d.Vault.Request.Dest)
	if err != nil {
		return // there is nothing to know
	}
	for _, dir := range dirs {
		if !dir.IsDir() || !rinca.ValidStackName(dir.Name()) {
			continue
		}
		files, err := readEnvFiles(filepath.Join(d.Vault.Request.Dest, dir.Name()))
		if err != nil {
			continue
		}
		j := &job{Deployer: d, stack: rinca.Stack{Name: dir.Name()}}
		var values []rinca.Secret
		for _, f := range files {
			values = append(values, valuesOf(f.data)...)
		}
		d.Known.Set("export:"+dir.Name(), j.maskable(values))
	}
}

// LearnVariables masks the values of every secret variable, Git token and key.
func (d *Deployer) LearnVariables(ctx context.Context) error {
	list, err := d.DB.Variables(ctx)
	if err != nil {
		return err
	}
	var values []rinca.Secret
	for _, v := range list {
		if v.Secret && v.Value.IsSet() {
			values = append(values, v.Value)
		}
	}
	accounts, err := d.DB.GitAccounts(ctx)
	if err != nil {
		return err
	}
	for i := range accounts {
		values = append(values, accounts[i].Token, accounts[i].Key)
	}
	d.Known.Set("variables", values)
	return nil
}
