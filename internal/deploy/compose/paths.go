package compose

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

// checkPaths refuses a project that reads or mounts what it may not. It does
// not ask whether things exist.
func (d *deployment) checkPaths() error {
	var problems []error
	check := func(what, path string) {
		if err := d.policy.check(what, path); err != nil {
			problems = append(problems, err)
		}
	}
	for _, name := range d.project.ServiceNames() {
		s := d.project.Services[name]
		of := " of service " + name
		d.checkSpec(check, of, s.ContainerSpec)
		for _, hook := range s.PreStart {
			d.checkSpec(check, of+"'s pre_start", hook.ContainerSpec)
		}
		if s.Build != nil {
			d.checkBuild(check, of, s.Build)
		}
	}
	for name, s := range d.project.Secrets {
		if s.File != "" && !bool(s.External) {
			check("secret "+name, s.File)
		}
	}
	for name, c := range d.project.Configs {
		if c.File != "" && !bool(c.External) {
			check("config "+name, c.File)
		}
	}
	for name, v := range d.project.Volumes {
		if device := boundDevice(v); device != "" {
			check("volume "+name, device)
		}
	}
	if len(problems) > 0 {
		return joined(problems)
	}
	return nil
}

func (d *deployment) checkSpec(check func(what, path string), of string, s types.ContainerSpec) {
	for _, f := range s.EnvFiles {
		check("env_file"+of, f.Path)
	}
	for _, f := range s.LabelFiles {
		check("label_file"+of, f)
	}
	for _, v := range s.Volumes {
		if v.Type == types.VolumeTypeBind {
			check("mount"+of, v.Source)
		}
	}
	if s.UseAPISocket { // Compose mounts it when it is too late to ask
		check("use_api_socket"+of, defaultSocket)
	}
	for _, opt := range s.SecurityOpt {
		// Compose reads the profile and sends its text.
		kind, path, ok := strings.Cut(opt, "=")
		if !ok {
			kind, path, _ = strings.Cut(opt, ":")
		}
		if kind == "seccomp" && path != "unconfined" && path != "builtin" {
			check("seccomp profile"+of, d.project.RelativePath(path))
		}
	}
}

// checkBuild checks what the builder, which runs here, reads and writes.
func (d *deployment) checkBuild(check func(what, path string), of string, b *types.BuildConfig) {
	absolute := func(path string) string {
		if filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(d.project.WorkingDir, path)
	}
	check("build context"+of, b.Context) // nothing else than a path is one
	dockerfile := b.Dockerfile
	if dockerfile == "" {
		dockerfile = "Dockerfile"
	}
	if !filepath.IsAbs(dockerfile) {
		dockerfile = filepath.Join(b.Context, dockerfile)
	}
	check("Dockerfile"+of, dockerfile)
	for _, path := range b.AdditionalContexts {
		kind, rest, remote := strings.Cut(path, "://")
		switch {
		case remote && kind == "oci-layout":
			layout, _, _ := strings.Cut(rest, "@")
			check("build context"+of, absolute(layout))
		case !remote && !strings.HasPrefix(path, types.ServicePrefix):
			check("build context"+of, absolute(path))
		}
	}
	for _, key := range b.SSH {
		if key.Path == "" {
			check("build ssh"+of, "the SSH agent of rinca")
			continue
		}
		check("build ssh"+of, absolute(key.Path))
	}
	for _, cache := range slices.Concat(b.CacheFrom, b.CacheTo) {
		for field := range strings.SplitSeq(cache, ",") {
			if name, path, _ := strings.Cut(field, "="); name == "src" || name == "dest" {
				check("build cache"+of, absolute(path))
			}
		}
	}
}

// boundDevice is the path that a volume of the local driver mounts, if it
// does.
func boundDevice(v types.VolumeConfig) string {
	if bool(v.External) || (v.Driver != "" && v.Driver != "local") {
		return ""
	}
	device := v.DriverOpts["device"]
	for option := range strings.SplitSeq(v.DriverOpts["o"], ",") {
		if option == "bind" || option == "rbind" {
			return device
		}
	}
	if kind := v.DriverOpts["type"]; filepath.IsAbs(device) && (kind == "" || kind == "none") {
		return device
	}
	return ""
}

// missing reports whether nothing is at path.
func missing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}
