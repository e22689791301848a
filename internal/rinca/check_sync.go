package rinca

import "strings"

// Check reports the first thing in a resource sync that can never be right,
// without looking at anything outside it. Errors have code Invalid.
func (s *ResourceSync) Check() error {
	if err := checkResourceName("a resource sync", s.Name); err != nil {
		return err
	}
	if err := checkMeta(s.Description, s.Tags); err != nil {
		return err
	}
	for _, tag := range s.MatchTags {
		if !validTag(tag) {
			return Errorf(Invalid, "match_tags: %.40q is no tag", tag).Try("no blanks, commas, quotes or backslashes")
		}
	}
	if len(s.MatchTags) > maxEntries || len(s.Paths) > maxEntries {
		return Errorf(Invalid, "a list has more than %d entries", maxEntries)
	}
	for _, p := range s.Paths {
		if err := relative("a path of the source", p); err != nil {
			return err
		}
	}
	if err := s.Webhook.Check(); err != nil {
		return err
	}
	return s.Source.Check()
}

// Check reports the first thing in a repo that can never be right, without
// looking at anything outside it. Errors have code Invalid.
func (r *Repo) Check() error {
	if err := checkResourceName("a repo", r.Name); err != nil {
		return err
	}
	if err := checkMeta(r.Description, r.Tags); err != nil {
		return err
	}
	switch s := &r.Source; {
	case s.Kind != SourceGit || s.Linked != "":
		return Errorf(Invalid, "a repo has a Git repository for its source").Try("source.kind git, and source.repo")
	case s.Path != "" || len(s.Sparse) > 0 || len(s.ComposeFiles) > 0 || s.Dir != "" || len(s.Files) > 0:
		return Errorf(Invalid, "a repo has repository, account, and one of branch, tag and commit, and no paths").Try("the stacks that use it have their paths")
	}
	if err := r.Webhook.Check(); err != nil {
		return err
	}
	return r.Source.Check()
}

func checkResourceName(what, name string) error {
	if ValidResourceName(name) {
		return nil
	}
	return Errorf(Invalid, "%.40q cannot name %s", name, what).
		Try("up to 128 letters, digits, blanks and signs, without / \\ \" , * and ?")
}

// checkMeta checks what every resource has for people.
func checkMeta(description string, tags []string) error {
	if len(description) > maxText || strings.ContainsRune(description, 0) {
		return Errorf(Invalid, "the description is larger than %d bytes, or no text", maxText)
	}
	if len(tags) > maxEntries {
		return Errorf(Invalid, "there are more than %d tags", maxEntries)
	}
	for _, tag := range tags {
		if !validTag(tag) {
			return Errorf(Invalid, "%.40q is no tag", tag).Try("no blanks, commas, quotes or backslashes")
		}
	}
	return nil
}

// checkLinked checks a source that is taken from a repo.
func (s *Source) checkLinked() error {
	if err := checkResourceName("a repo", s.Linked); err != nil {
		return err
	}
	if s.Repo != "" || s.Account != "" || s.Branch != "" || s.Tag != "" || s.Commit != "" {
		return Errorf(Invalid, "source.linked names a repo; repository, account, branch, tag and commit are taken from it").Try("leave them out here, or leave out linked")
	}
	return nil
}

// With returns a source whose address, account, branch, tag and commit are
// those of the repo that it names.
func (s Source) With(r Repo) Source {
	s.Repo, s.Account, s.Branch, s.Tag, s.Commit = r.Source.Repo, r.Source.Account, r.Source.Branch, r.Source.Tag, r.Source.Commit
	return s
}
