package deploy

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"rinca/internal/envfile"
	"rinca/internal/interpolate"
	"rinca/internal/rinca"
)

// preflight looks for what would make the deploy fail, before anything is
// touched. Everything that is found is one error.
func (j *job) preflight(ctx context.Context) (string, error) {
	var problems []rinca.Problem
	for _, u := range j.facts.EnvFiles {
		problems = append(problems, j.checkEnvFile(u)...)
	}
	for _, u := range append(j.facts.SecretFiles, j.facts.ConfigFiles...) {
		problems = append(problems, j.checkFile(u)...)
	}
	var more []rinca.Problem
	err := j.within(ctx, askTimeout, func(ctx context.Context) (err error) {
		more, err = j.dep.Preflight(ctx)
		return err
	})
	if err != nil {
		return "", err
	}
	problems = append(problems, more...)
	if len(problems) == 0 {
		return "", nil
	}
	return "", preflightError(j.stack.Name, problems)
}

// preflightError puts problems into one error, each with its mend.
func preflightError(stack string, problems []rinca.Problem) error {
	lines := make([]string, len(problems))
	for i, p := range problems {
		lines[i] = p.Message
		if p.Service != "" {
			lines[i] = p.Service + ": " + lines[i]
		}
		if p.Hint != "" && len(problems) > 1 {
			lines[i] += " (" + p.Hint + ")"
		}
	}
	if len(problems) == 1 {
		return rinca.Errorf(rinca.Invalid, "preflight: %s; nothing was touched", lines[0]).Try("%s", problems[0].Hint)
	}
	return rinca.Errorf(rinca.Invalid, "preflight found %d problems; nothing was touched\n  %s", len(problems), strings.Join(lines, "\n  ")).
		Try("mend them, then: rinca stack deploy %s", stack)
}

// checkFile says what is wrong with a file that services read.
func (j *job) checkFile(u rinca.FileUse) []rinca.Problem {
	if _, ok := j.exported.changed[u.Path]; ok && j.planning {
		return nil // it is about to be written
	}
	service := strings.Join(u.Services, ", ")
	problem := func(hint, format string, args ...any) []rinca.Problem {
		return []rinca.Problem{{Service: service, Message: fmt.Sprintf(format, args...), Hint: hint}}
	}
	info, err := os.Stat(u.Path)
	switch {
	case os.IsNotExist(err) && u.Optional:
		return nil
	case os.IsNotExist(err):
		return problem(j.mend(u.Path), "env file not found: %s", u.Path)
	case err != nil:
		return problem("ls -l "+u.Path+"   # who owns it, and who are you", "%s cannot be read: %v", u.Path, reason(err))
	case !info.Mode().IsRegular():
		return problem("remove it; the engine makes a directory where a file was missing", "%s is not a file", u.Path)
	}
	f, err := os.Open(u.Path)
	if err != nil {
		return problem("ls -l "+u.Path+"   # who owns it, and who are you", "%s cannot be read: %v", u.Path, reason(err))
	}
	_ = f.Close() // nothing was written
	if info.Size() == 0 {
		return problem(j.mend(u.Path), "%s is empty", u.Path)
	}
	if j.exported.stale[u.Path] {
		return problem(fmt.Sprintf("put the item %s back, or remove the file with: rinca export %s --prune", filepath.Base(u.Path), filepath.Base(filepath.Dir(u.Path))),
			"%s is stale: the vault has it no more", u.Path)
	}
	return nil
}

// checkEnvFile looks into an env file too.
func (j *job) checkEnvFile(u rinca.FileUse) []rinca.Problem {
	if p := j.checkFile(u); p != nil {
		return p
	}
	data, err := os.ReadFile(u.Path)
	if err != nil {
		return nil // an optional one that is not there, or one that a plan has yet to write
	}
	entries, err := envfile.Parse(data)
	if err != nil {
		return []rinca.Problem{{Service: strings.Join(u.Services, ", "), Message: u.Path + ": " + err.Error()}}
	}
	ours := within(j.exported.dest, u.Path)
	var names, unfilled []string
	set := 0
	for _, e := range entries {
		if e.Optional {
			continue
		}
		set++
		if !ours && len(interpolate.Names(e.Value.Reveal())) > 0 {
			unfilled = append(unfilled, e.Key)
		}
		if (ours || envfile.IsSecretName(e.Key)) && envfile.IsPlaceholder(e.Value.Reveal()) {
			names = append(names, e.Key)
		}
	}
	service := strings.Join(u.Services, ", ")
	switch {
	case len(unfilled) > 0:
		return []rinca.Problem{{
			Service: service,
			Message: fmt.Sprintf("%s has [[NAME]] in %s, which nobody fills in: containers read the file as it is", u.Path, strings.Join(unfilled, ", ")),
			Hint:    "put it into environment: of the compose file, where [[NAME]] is filled in",
		}}
	case set == 0:
		return []rinca.Problem{{Service: service, Message: u.Path + " is empty: it sets no variable", Hint: j.mend(u.Path)}}
	case len(names) > 0:
		return []rinca.Problem{{
			Service: service,
			Message: fmt.Sprintf("%s holds a placeholder in %s", u.Path, strings.Join(names, ", ")),
			Hint: fmt.Sprintf("put the value into the vault: in 1Password, or: rinca item create %s.example --set %s=- --update < FILE; then deploy again",
				filepath.Base(u.Path), names[0]),
		}}
	}
	return nil
}

// mend is what helps against a file that is missing or empty.
func (j *job) mend(path string) string {
	if !within(j.exported.dest, path) {
		return "add it to the source, or correct its path in the compose file"
	}
	stack := filepath.Base(filepath.Dir(path))
	return fmt.Sprintf("make an item %s that is tagged %s%s: rinca item create %s.example; then deploy again",
		filepath.Base(path), rinca.StackTag, stack, filepath.Base(path))
}

// reason is the part of a file system's error that says why.
func reason(err error) error {
	if e, ok := err.(*os.PathError); ok { //nolint:errorlint // os.Stat and os.Open return it as it is
		return e.Err
	}
	return err
}

func isRegular(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode().IsRegular()
}

// within reports whether path lies in dir.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}
