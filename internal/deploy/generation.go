package deploy

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"

	"rinca/internal/export"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

// A generation is what a stack was last deployed with successfully: enough to
// deploy the same again when the next one fails. It is kept sealed.
type generation struct {
	Stack     rinca.Stack       `json:"stack"`
	Commit    string            `json:"commit,omitempty"`
	Variables map[string]string `json:"variables,omitempty"`
	// Files are the compose and env files as they were read, by path.
	Files    map[string][]byte `json:"files"`
	Exported []export.Saved    `json:"exported,omitempty"`
	Images   map[string]string `json:"images,omitempty"`
}

// markInfo is the part of a mark that is no secret.
type markInfo struct {
	Project string `json:"project"`
	Server  string `json:"server"`
	// Digest tells whether a generation differs from this one.
	Digest  string        `json:"digest"`
	Lineage rinca.Lineage `json:"lineage,omitzero"`
}

func (j *job) generation() generation {
	g := generation{
		Stack: j.stack, Commit: j.files.commit,
		Variables: map[string]string{}, Files: maps.Clone(j.compose.raw),
	}
	g.Stack.UpdatedAt, g.Stack.UpdatedBy = g.Stack.UpdatedAt.UTC(), ""
	for name, value := range j.vars.used {
		g.Variables[name] = value.Reveal()
	}
	for _, f := range j.exported.files {
		g.Exported = append(g.Exported, export.Saved{Path: f.path, Data: f.data, Mode: f.mode, UID: f.uid, GID: f.gid})
	}
	return g
}

// keepMark is for a deploy that found nothing to do: the mark is written only
// when there is none, or when what it stands for differs.
func (j *job) keepMark(ctx context.Context) error {
	g, info, err := j.nextMark()
	if err != nil {
		return err
	}
	mark, err := j.DB.Mark(ctx, j.stack.Name)
	if err == nil {
		if plain, err := json.Marshal(info); err == nil && bytes.Equal(plain, mark.Plain) {
			return nil
		}
		return j.putMark(ctx, g, info)
	}
	if rinca.CodeOf(err) != rinca.NotFound {
		return err
	}
	// Nobody has said yet that what runs is good.
	if !j.stack.Verify.Skip {
		if err := j.rec.Stage(ctx, "Verify", j.verify); err != nil {
			return err
		}
	}
	return j.putMark(ctx, g, info)
}

// saveMark remembers what was deployed. It is called after it was verified,
// so that a crash or a failure before repeats the deploy.
func (j *job) saveMark(ctx context.Context) error {
	g, info, err := j.nextMark()
	if err != nil {
		return err
	}
	return j.putMark(ctx, g, info)
}

func (j *job) nextMark() (generation, markInfo, error) {
	g := j.generation()
	data, err := json.Marshal(g)
	if err != nil {
		return g, markInfo{}, rinca.Errorf(rinca.Internal, "encode the generation: %w", err)
	}
	d := j.DB.Digest("generation", data)
	return g, markInfo{Project: j.project.Name, Server: j.stack.ServerName(), Digest: hex.EncodeToString(d[:16]), Lineage: j.lineage()}, nil
}

func (j *job) putMark(ctx context.Context, g generation, info markInfo) error {
	ctx = context.WithoutCancel(ctx) // it is deployed; not to say so would deploy it again
	images, err := j.dep.Images(ctx)
	if err != nil {
		j.warn("the images of this deploy are not known, and cannot be put back: " + err.Error())
	}
	g.Images = images
	data, err := json.Marshal(g)
	if err != nil {
		return rinca.Errorf(rinca.Internal, "encode the generation: %w", err)
	}
	plain, err := json.Marshal(info)
	if err != nil {
		return rinca.Errorf(rinca.Internal, "encode the mark: %w", err)
	}
	defer j.uses.marks.Add(1)
	defer j.endApply(ctx)
	return j.DB.PutMark(ctx, store.Mark{
		Stack: j.stack.Name, At: j.Now().UTC(), Update: j.rec.Update().ID, Commit: j.files.commit,
		Uses: j.vars.usedNames(), Refs: j.vars.refs(), Plain: plain, Sealed: rinca.NewSecret(string(data)),
	})
}

// goodGeneration returns the last one that was verified.
func (d *Deployer) goodGeneration(ctx context.Context, stack string) (generation, error) {
	mark, err := d.DB.Mark(ctx, stack)
	if err != nil {
		return generation{}, err
	}
	var g generation
	if err := json.Unmarshal([]byte(mark.Sealed.Reveal()), &g); err != nil {
		return g, rinca.Errorf(rinca.Corrupt, "the last good generation of %s cannot be read", stack).Because(err)
	}
	return g, nil
}

// warnMoved tells of the containers of a stack that was deployed before under
// another project or on another server: they stay there.
func (j *job) warnMoved(ctx context.Context) {
	mark, err := j.DB.Mark(ctx, j.stack.Name)
	var was markInfo
	if err != nil || json.Unmarshal(mark.Plain, &was) != nil || was.Project == "" ||
		was.Project == j.project.Name && was.Server == j.stack.ServerName() {
		return
	}
	j.warn(fmt.Sprintf("it was deployed as the project %s on the server %s before, where its containers stay; to remove them: docker compose -p %s down",
		was.Project, was.Server, was.Project))
}
