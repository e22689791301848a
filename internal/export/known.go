package export

import "slices"

// KnownStacks returns the stacks that the manifest of a destination knows of,
// without those already named. It is for completion: it asks no vault, and
// what it cannot read it leaves out.
func KnownStacks(path string, named []string) []string {
	d, err := openDest(path, false)
	if err != nil || d.root == nil {
		return nil
	}
	defer d.close()
	k, err := loadKey(d.root)
	if err != nil {
		return nil
	}
	m, _, err := loadManifest(d.root, k)
	if err != nil {
		return nil
	}
	var stacks []string
	for name := range m.Files {
		stack, _ := split(name)
		stacks = append(stacks, stack)
	}
	for _, l := range m.Vaults {
		for _, item := range l.Items {
			if item.isEnv() {
				stacks = append(stacks, item.Stacks...)
			}
		}
	}
	slices.Sort(stacks)
	return slices.DeleteFunc(slices.Compact(stacks), func(s string) bool { return slices.Contains(named, s) })
}
