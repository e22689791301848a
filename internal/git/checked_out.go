package git

import (
	"os"
	"path/filepath"
	"slices"

	"rinca/internal/atomicfile"
)

// CheckedOut returns which commit Checkout has put into dest, and the absolute
// paths of its files, without looking at them. A directory that Checkout never
// filled has none. The commit is "" while files are being replaced.
func CheckedOut(dest string) (commit string, files []string, err error) {
	root, err := os.OpenRoot(filepath.Dir(dest))
	if os.IsNotExist(err) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, atomicfile.Error("open", filepath.Dir(dest), err)
	}
	defer root.Close()
	man, err := readManifest(root, filepath.Base(dest)+".state/manifest.json")
	if err != nil {
		return "", nil, err
	}
	for name := range man.Files {
		files = append(files, filepath.Join(dest, filepath.FromSlash(name)))
	}
	slices.Sort(files)
	return man.Commit, files, nil
}
