package rinca

import (
	"net/url"
	"path"
	"strings"
	"unicode"
)

// Bounds of a stack.
const (
	maxInline  = 32 << 20 // bytes of inline files together
	maxEntries = 1000     // of any list
	maxText    = 1 << 20  // bytes of any text
)

// Check reports the first thing in a stack that can never be right, without
// looking at anything outside it. Errors have code Invalid.
func (s *Stack) Check() error {
	if !ValidStackName(s.Name) {
		return Errorf(Invalid, "%.40q is no name of a stack", s.Name).Try("letters, digits and ._- , the first a letter or digit")
	}
	if p := s.ProjectName(); !validProjectName(p) {
		return Errorf(Invalid, "%.40q is no name of a Compose project", p).Try("set project: small letters, digits, _ and -")
	}
	if s.Server != "" && !ValidStackName(s.Server) {
		return Errorf(Invalid, "%.40q is no name of a server", s.Server)
	}
	for _, name := range s.After {
		if !ValidStackName(name) || name == s.Name {
			return Errorf(Invalid, "after: a stack cannot come after %.40q", name)
		}
	}
	for _, tag := range s.Tags {
		if !validTag(tag) {
			return Errorf(Invalid, "%.40q is no tag", tag).Try("no blanks, commas, quotes or backslashes")
		}
	}
	for _, p := range s.EnvFiles {
		if err := relative("env_files", p); err != nil {
			return err
		}
	}
	for _, p := range s.HostPaths {
		if err := absolute("host_paths", p); err != nil {
			return err
		}
	}
	for _, h := range []Hook{s.PreDeploy, s.PostDeploy} {
		if err := relative("the path of a hook", h.Path); err != nil {
			return err
		}
	}
	if s.OnBusy != "" && s.OnBusy != Wait && s.OnBusy != Refuse {
		return Errorf(Invalid, "on_busy cannot be %.40q", string(s.OnBusy)).Try("%s or %s", Wait, Refuse)
	}
	for _, name := range s.Secrets.Stacks {
		if !ValidStackName(name) {
			return Errorf(Invalid, "secrets.stacks: %.40q is no name of a stack", name)
		}
	}
	if err := s.Webhook.Check(); err != nil {
		return err
	}
	if err := s.checkSize(); err != nil {
		return err
	}
	return s.Source.Check()
}

func (s *Stack) checkSize() error {
	for _, list := range [][]string{s.Tags, s.After, s.EnvFiles, s.Profiles, s.HostPaths, s.Secrets.Stacks, s.Source.Sparse, s.Source.ComposeFiles} {
		if len(list) > maxEntries {
			return Errorf(Invalid, "a list has more than %d entries", maxEntries)
		}
		for _, text := range list {
			if err := plain("a list", text); err != nil {
				return err
			}
		}
	}
	if len(s.Environment) > maxText || len(s.Description) > maxText || len(s.PreDeploy.Command) > maxText || len(s.PostDeploy.Command) > maxText {
		return Errorf(Invalid, "a text is larger than %d bytes", maxText)
	}
	return nil
}

// Check reports the first thing in a source that can never be right.
func (s *Source) Check() error {
	if s.Path != "" {
		if err := relative("source.path", s.Path); err != nil {
			return err
		}
	}
	for _, p := range append(append([]string(nil), s.Sparse...), s.ComposeFiles...) {
		if err := relative("source", p); err != nil {
			return err
		}
	}
	if s.Linked != "" && s.Kind == SourceGit {
		return s.checkLinked()
	}
	switch s.Kind {
	case SourceGit:
		return s.checkGit()
	case SourceHost:
		return absolute("source.dir", s.Dir)
	case SourceInline:
		return s.checkInline()
	case "":
		return Errorf(Invalid, "source.kind is missing").Try("%s, %s or %s", SourceGit, SourceHost, SourceInline)
	}
	return Errorf(Invalid, "source.kind cannot be %.40q", string(s.Kind)).Try("%s, %s or %s", SourceGit, SourceHost, SourceInline)
}

func (s *Source) checkGit() error {
	if s.Repo == "" {
		return Errorf(Invalid, "source.repo is missing").Try("https://host/owner/name.git, ssh://git@host/owner/name.git or file:///path")
	}
	if err := plain("source.repo", s.Repo); err != nil {
		return err
	}
	if strings.HasPrefix(s.Repo, "-") {
		return Errorf(Invalid, "source.repo is no address of a repository")
	}
	// The address may hold a password, so it is not repeated.
	if u, err := url.Parse(s.Repo); err == nil && u.User != nil {
		if _, has := u.User.Password(); has || u.Scheme == "https" || u.Scheme == "http" {
			return Errorf(Invalid, "source.repo holds a credential").Try("rinca git account add NAME --host HOST; then name it with --account: it is sealed there, and in no log")
		}
	}
	n := 0
	for _, ref := range []string{s.Branch, s.Tag, s.Commit} {
		if ref != "" {
			n++
		}
		if strings.HasPrefix(ref, "-") || strings.Contains(ref, "..") || strings.ContainsAny(ref, " ~^:?*[\\") {
			return Errorf(Invalid, "%.40q is no branch, tag or commit", ref)
		}
		if err := plain("a branch, tag or commit", ref); err != nil {
			return err
		}
	}
	if n > 1 {
		return Errorf(Invalid, "only one of branch, tag and commit can be set")
	}
	return nil
}

func (s *Source) checkInline() error {
	if len(s.Files) == 0 {
		return Errorf(Invalid, "source.files is empty").Try("at least compose.yaml")
	}
	if len(s.Files) > maxEntries {
		return Errorf(Invalid, "source.files has more than %d entries", maxEntries)
	}
	size, seen := 0, map[string]bool{}
	for _, f := range s.Files {
		if err := relative("source.files", f.Path); err != nil {
			return err
		}
		p := path.Clean(f.Path)
		if p == "." || strings.HasSuffix(f.Path, "/") {
			return Errorf(Invalid, "source.files: %.80q is no path of a file", f.Path)
		}
		if seen[p] {
			return Errorf(Invalid, "source.files has %.80q twice", p)
		}
		seen[p] = true
		size += len(f.Content)
	}
	if size > maxInline {
		return Errorf(Invalid, "source.files holds more than %d MB", maxInline>>20)
	}
	for p := range seen {
		for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
			if seen[dir] {
				return Errorf(Invalid, "source.files: %.80q is a file and a folder", dir)
			}
		}
	}
	return nil
}

// relative checks a path that must stay inside a folder.
func relative(what, p string) error {
	if err := plain(what, p); err != nil {
		return err
	}
	c := path.Clean("/" + strings.ReplaceAll(p, `\`, "/"))
	if p != "" && (path.IsAbs(p) || strings.TrimPrefix(c, "/") != path.Clean(p) && path.Clean(p) != ".") {
		return Errorf(Invalid, "%s: %.80q leads out of the folder", what, p).Try("a path relative to the stack's folder, without ..")
	}
	return nil
}

// absolute checks a path of the host.
func absolute(what, p string) error {
	if err := plain(what, p); err != nil {
		return err
	}
	if !path.IsAbs(p) || path.Clean(p) != strings.TrimSuffix(p, "/") && p != "/" {
		return Errorf(Invalid, "%s: %.80q is no absolute path", what, p).Try("such as /mnt/apps01/stacks, without ..")
	}
	return nil
}

// plain checks that a text has one line.
func plain(what, text string) error {
	if len(text) > 4096 {
		return Errorf(Invalid, "%s: a text is longer than 4096 bytes", what)
	}
	for _, c := range text {
		if unicode.IsControl(c) || c == unicode.ReplacementChar {
			return Errorf(Invalid, "%s: a line break or another control character", what)
		}
	}
	return nil
}
