package deploy

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"rinca/internal/rinca"
)

// rollback puts the last good generation back after a failure, verifies it,
// and returns the failure. It goes on when the deploy was canceled: what was
// touched is not left half done.
func (j *job) rollback(ctx context.Context, failure error) error {
	if errors.Is(context.Cause(ctx), ErrStopping) {
		return failure
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Minute)
	defer cancel()
	g, err := j.goodGeneration(ctx, j.stack.Name)
	if rinca.CodeOf(err) == rinca.NotFound {
		j.rec.RolledBack("there is no earlier good deploy to go back to; what was started is left for you to look at")
		return failure
	}
	if err == nil {
		err = j.rec.Stage(ctx, "Rollback", func(ctx context.Context) (string, error) {
			return j.putBack(ctx, g)
		})
	}
	if err != nil {
		j.rec.RolledBack("the last good deploy could not be put back: " + err.Error())
		return rinca.Errorf(rinca.CodeOf(failure), "%w; the last good deploy could not be put back: %s", failure, err.Error()).
			Try("rinca stack logs %s; mend it, then: rinca stack deploy %s", j.stack.Name, j.stack.Name)
	}
	text := "the last good deploy was put back"
	if g.Commit != "" {
		text += " (" + short(g.Commit) + ")"
	}
	j.endApply(ctx)
	j.rec.RolledBack(text + " and verified")
	return rinca.Errorf(rinca.CodeOf(failure), "%w; %s and is verified", failure, text).Try("%s", hintOr(failure, "rinca update show "+j.rec.Update().ID))
}

func hintOr(err error, otherwise string) string {
	if h := rinca.HintOf(err); h != "" {
		return h
	}
	return otherwise
}

// putBack deploys a generation as it was: its files, its values, its images.
func (j *job) putBack(ctx context.Context, g generation) (string, error) {
	old := &job{Deployer: j.Deployer, o: Options{Stack: j.stack.Name}, rec: j.rec, stack: g.Stack, warned: j.warned}
	old.vars = &variables{fixed: secretsOf(g.Variables), used: map[string]rinca.Secret{}}
	if err := old.restoreSource(ctx, g); err != nil {
		return "", err
	}
	if err := j.Vault.PutBack(ctx, g.Exported); err != nil {
		return "", err
	}
	old.exported = exported{dest: j.exported.dest, stacks: j.exported.stacks}
	for _, f := range g.Exported {
		old.exported.files = append(old.exported.files, exportedFile{f.Path, f.Data, f.Mode, f.UID, f.GID})
	}
	if err := old.interpolateGiven(g.Files); err != nil {
		return "", err
	}
	if _, err := old.load(ctx); err != nil {
		return "", err
	}
	if err := old.dep.RestoreImages(ctx, g.Images); err != nil {
		j.warn("the images of the last good deploy: " + err.Error())
	}
	plan, err := old.dep.Plan(ctx, false)
	if err != nil {
		return "", err
	}
	if err := old.dep.Apply(ctx, plan, j.rec.Line); err != nil {
		return "", err
	}
	if !old.stack.Verify.Skip {
		err = old.dep.Verify(ctx, old.stack.Verify, j.rec.Line)
	}
	return summary(plan), err
}

// restoreSource brings the files of a generation back to disk. A directory on
// the host is somebody's own: there the compose files are taken from the
// generation and the disk is left alone.
func (j *job) restoreSource(ctx context.Context, g generation) (err error) {
	dest := filepath.Join(j.dir(j.stack.Name), "src")
	switch src := j.stack.Source; src.Kind {
	case rinca.SourceGit:
		req, err := j.gitRequest(ctx, dest)
		if err != nil {
			return err
		}
		c, err := j.Mirrors.Checkout(ctx, req, g.Commit)
		if rinca.CodeOf(err) == rinca.NotFound { // a mirror keeps only so many commits
			pinned := req
			pinned.Source.Branch, pinned.Source.Tag, pinned.Source.Commit = "", "", g.Commit
			if _, err = j.Mirrors.Fetch(ctx, pinned); err == nil {
				c, err = j.Mirrors.Checkout(ctx, req, g.Commit)
			}
		}
		if err != nil {
			return err
		}
		j.files = files{root: c.Root, dir: c.Dir, live: dest, tracked: c.Files, commit: c.Commit}
		return nil
	case rinca.SourceInline:
		j.files, err = writeInline(dest, src.Files)
		return err
	default:
		_, err = j.hostSource()
		return err
	}
}

// interpolateGiven fills in the files of a generation with its own values.
func (j *job) interpolateGiven(given map[string][]byte) error {
	j.compose = &composeReader{job: j, given: given, raw: map[string][]byte{}, done: map[string]rinca.Secret{}}
	paths, err := j.composeFiles()
	if err != nil {
		return err
	}
	for path := range given { // so that an .env file is found that is no more on disk
		j.compose.raw[path] = given[path]
	}
	env, _, err := j.environment()
	if err != nil {
		return err
	}
	j.compose.env = env
	j.project.Files, j.project.Environment = paths, env
	return nil
}

func secretsOf(values map[string]string) map[string]rinca.Secret {
	out := make(map[string]rinca.Secret, len(values))
	for k, v := range values {
		out[k] = rinca.NewSecret(v)
	}
	return out
}
