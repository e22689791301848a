package cli

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/pelletier/go-toml/v2"

	"rinca/internal/atomicfile"
	"rinca/internal/rinca"
)

// profilesName is the file of profiles, in the folder rinca of the user's
// configuration.
const profilesName = "profiles.toml"

// usualProfile is the name of a profile that is given none.
const usualProfile = "default"

// A profile is a server and a key for it, as rinca login writes them.
type profile struct {
	Host string `toml:"host"`
	// Key is the token of a session, or an API key. The file is the one place
	// where it is in the clear.
	Key    string `toml:"key,omitempty"`
	User   string `toml:"user,omitempty"`
	CAFile string `toml:"ca_file,omitempty"`
}

// profiles is the file. Default is the profile that is meant when none is
// named.
type profiles struct {
	Default  string             `toml:"default,omitempty"`
	Profiles map[string]profile `toml:"profile,omitempty"`
}

// choose returns the name of the profile that a name, perhaps none, means.
func (p profiles) choose(name string) string {
	switch {
	case name != "":
		return name
	case p.Default != "":
		return p.Default
	}
	return usualProfile
}

func (p profiles) names() []string {
	var names []string
	for name := range p.Profiles {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// profilesDir is $XDG_CONFIG_HOME/rinca, else ~/.config/rinca.
func (a *app) profilesDir() string {
	if d := a.Getenv("XDG_CONFIG_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "rinca")
	}
	return filepath.Join(a.Getenv("HOME"), ".config", "rinca")
}

// profiles reads the file; none is no profile. One that others can read is
// refused, because it holds keys.
func (a *app) profiles() (profiles, error) {
	path := filepath.Join(a.profilesDir(), profilesName)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return profiles{}, nil
	}
	if err != nil {
		return profiles{}, rinca.Errorf(rinca.Usage, "read the profiles: %w", err).Try("RINCA_HOST and RINCA_API_KEY, and another XDG_CONFIG_HOME")
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		return profiles{}, rinca.Errorf(rinca.Usage, "%s holds keys, and others can read it", path).Try("chmod 600 %s", atomicfile.Quote(path))
	}
	data, err := readAll(f, path)
	if err != nil {
		return profiles{}, err
	}
	var p profiles
	if err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(&p); err != nil {
		return profiles{}, badProfiles(path, err)
	}
	return p, nil
}

// badProfiles tells where, and never what the file holds there.
func badProfiles(path string, err error) error {
	line, column := 0, 0
	if e, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, column = e.Position()
	}
	if e, ok := errors.AsType[*toml.StrictMissingError](err); ok && len(e.Errors) > 0 {
		line, column = e.Errors[0].Position()
	}
	return rinca.Errorf(rinca.Usage, "%s:%d:%d: this is not as rinca login writes it", path, line, column).Because(err).
		Try("mend it, or remove it and log in again")
}

// setProfile writes one profile, or removes it when p is nil, and leaves the
// others. The first one becomes the default.
func (a *app) setProfile(name string, p *profile) error {
	dir := a.profilesDir()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return atomicfile.Error("make", dir, err)
	}
	unlock, err := lockDir(dir)
	if err != nil {
		return err
	}
	defer unlock()
	file, err := a.profiles()
	if err != nil {
		return err
	}
	name = file.choose(name)
	if file.Profiles == nil {
		file.Profiles = map[string]profile{}
	}
	if p == nil {
		delete(file.Profiles, name)
	} else {
		file.Profiles[name] = *p
	}
	if _, ok := file.Profiles[file.Default]; !ok {
		file.Default = ""
	}
	if names := file.names(); file.Default == "" && len(names) == 1 {
		file.Default = names[0]
	}
	text, err := toml.Marshal(file)
	if err != nil {
		return rinca.Errorf(rinca.Internal, "write the profiles: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return atomicfile.Error("open", dir, err)
	}
	defer root.Close()
	return atomicfile.Write(root, profilesName, text, atomicfile.Mode(0o600))
}

// lockDir keeps two logins at once from losing one another's profile.
func lockDir(dir string) (unlock func(), err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, atomicfile.Error("open", dir, err)
	}
	// A file system without locks loses this protection only.
	_ = syscall.Flock(int(d.Fd()), syscall.LOCK_EX)
	return func() { d.Close() }, nil
}
