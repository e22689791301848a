package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"rinca/internal/export"
	"rinca/internal/rinca"
)

func (d *Doctor) checkDestination(context.Context) bool {
	dest := d.Request.Dest
	info, err := os.Stat(dest)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return d.missingDestination(dest)
	case err != nil:
		return d.problem("destination", err.Error(), "ls -ld "+filepath.Dir(dest))
	case !info.IsDir():
		return d.problem("destination", dest+" is not a directory", "choose another with --dest or DEST_ROOT")
	}
	if err := unix.Access(dest, unix.W_OK|unix.X_OK); err != nil {
		who := "uid " + fmt.Sprint(os.Geteuid())
		if u, err := user.Current(); err == nil {
			who = u.Username
		}
		if errors.Is(err, unix.EROFS) {
			return d.problem("destination", dest+" is on a file system that is mounted read-only", "findmnt -T "+dest+"; sudo mount -o remount,rw …")
		}
		return d.problem("destination", fmt.Sprintf("permission denied: %s cannot write to %s (%s)", who, dest, describeMode(info)),
			fmt.Sprintf("sudo chown %d:%d %s && sudo chmod 755 %s", os.Geteuid(), os.Getegid(), dest, dest))
	}
	message := dest + " can be written (" + describeMode(info) + ")"
	if real, err := filepath.EvalSymlinks(dest); err == nil && real != filepath.Clean(dest) {
		message += ", a symbolic link to " + real
	}
	return d.ok("destination", message)
}

func (d *Doctor) missingDestination(dest string) bool {
	if d.Fix {
		if err := os.Mkdir(dest, 0o755); err == nil { //nolint:gosec // names of stacks are no secret; each stack's directory is 0700
			d.tell(Finding{Check: "destination", Status: OK, Message: dest + " was made", Fixed: true})
			return true
		}
	}
	return d.problem("destination", dest+" does not exist", fmt.Sprintf("sudo mkdir -p %s && sudo chown %d:%d %s", dest, os.Geteuid(), os.Getegid(), dest))
}

func describeMode(info fs.FileInfo) string {
	owner := ""
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		owner = fmt.Sprintf(", owner %d:%d", st.Uid, st.Gid)
	}
	return fmt.Sprintf("mode %04o%s", info.Mode().Perm(), owner)
}

// enough is how much space an export must find, with room for old and new.
const enough = 32 << 20

func (d *Doctor) checkDisk(context.Context) bool {
	var st unix.Statfs_t
	if err := unix.Statfs(d.Request.Dest, &st); err != nil {
		return d.problem("disk", err.Error(), "df -h "+d.Request.Dest)
	}
	free := st.Bavail * uint64(st.Bsize) //nolint:gosec // a block size is positive
	switch {
	case free < enough:
		return d.problem("disk", fmt.Sprintf("%d MB free on %s", free>>20, d.Request.Dest), "df -h "+d.Request.Dest)
	case st.Files > 0 && st.Ffree < 1000:
		return d.problem("disk", fmt.Sprintf("%d free inodes on %s", st.Ffree, d.Request.Dest), "df -i "+d.Request.Dest)
	}
	return d.ok("disk", fmt.Sprintf("%d MB free", free>>20))
}

// checkFiles compares what is on disk with what the vault would give, and
// with Fix exports it.
func (d *Doctor) checkFiles(ctx context.Context) bool {
	e := &export.Exporter{Provider: d.provider, Now: d.Now}
	req := d.Request
	req.Prune = false
	look, act := e.Plan, "rinca export"
	if d.Fix {
		look = e.Export
	}
	p, err := look(ctx, req)
	if err != nil {
		return d.fail("files", err)
	}
	for _, n := range p.Notes {
		d.warn("files", n, act)
	}
	good, count := true, 0
	for _, s := range p.Stacks {
		if s.Err != nil {
			good = d.fail("files", s.Err)
			continue
		}
		for _, f := range s.Files {
			count++
			good = d.checkFile(p.Dir(s.Name), s.Name, f) && good
		}
	}
	if good {
		d.ok("files", fmt.Sprintf("%d files, as the vault has them", count))
	}
	return good
}

func (d *Doctor) checkFile(dir, stack string, f export.File) bool {
	path := filepath.Join(dir, f.Title)
	what, mend := "", "rinca export "+stack
	switch f.Action {
	case export.Exported:
		what = "env file not found: " + path
	case export.Updated:
		what = path + " is older than the vault"
	case export.Repaired:
		what = path + " was changed by hand"
		if f.Drift != "" {
			what += ": " + f.Drift
		}
	case export.Permissions:
		what = path + " has other permissions than it should (" + f.Change + ")"
	case export.Stale:
		d.warn("files", path+" is no longer in the vault", mend+" --prune")
		return true
	default:
		return d.notEmpty(path, stack)
	}
	if d.Fix {
		d.tell(Finding{Check: "files", Status: OK, Message: what + "; it was mended", Fixed: true})
		return true
	}
	return d.problem("files", what, mend)
}

// notEmpty warns of a file that gives nothing to its stack.
func (d *Doctor) notEmpty(path, stack string) bool {
	if info, err := os.Stat(path); err == nil && info.Size() == 0 {
		d.warn("files", path+" is empty: its item has no fields", "rinca op item get "+filepath.Base(path)+"; rinca item create .../"+stack+"/"+filepath.Base(path)+".example --update")
	}
	return true
}

// checkPermissions looks for files that others can read, and for stacks that
// their own user cannot.
func (d *Doctor) checkPermissions(context.Context) bool {
	good, seen := true, 0
	stacks, err := os.ReadDir(d.Request.Dest)
	if err != nil {
		return d.problem("permissions", err.Error(), "ls -ld "+d.Request.Dest)
	}
	for _, s := range stacks {
		if !s.IsDir() || !rinca.ValidStackName(s.Name()) {
			continue
		}
		files, err := os.ReadDir(filepath.Join(d.Request.Dest, s.Name()))
		if err != nil {
			good = d.problem("permissions", err.Error(), "sudo chown -R … "+filepath.Join(d.Request.Dest, s.Name()))
			continue
		}
		for _, f := range files {
			info, err := f.Info()
			if err != nil || !strings.HasSuffix(f.Name(), ".env") {
				continue
			}
			seen++
			if info.Mode().Perm()&0o007 != 0 {
				path := filepath.Join(d.Request.Dest, s.Name(), f.Name())
				d.warn("permissions", fmt.Sprintf("%s can be read by everybody (%s)", path, describeMode(info)), "chmod o= "+path)
			}
		}
	}
	if good {
		d.ok("permissions", fmt.Sprintf("%d files looked at", seen))
	}
	return good
}
