package git_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rinca/internal/git"
	"rinca/internal/rinca"
)

const benchFiles = 5000

// benchRepo has 5,000 files in 250 folders, 1 to 4 KB each.
func benchRepo(b *testing.B, r *repo) (first, second string) {
	b.Helper()
	rnd := rand.New(rand.NewPCG(1, 2))
	f := files{}
	for i := range benchFiles {
		var text strings.Builder
		for text.Len() < 1000+rnd.IntN(3000) {
			fmt.Fprintf(&text, "key%d: value %x\n", rnd.IntN(1000), rnd.Uint64())
		}
		f[fmt.Sprintf("stacks/s%d/f%d.yaml", i/20, i)] = text.String()
	}
	first = r.push("main", f)
	f["stacks/s7/f140.yaml"] = "changed"
	second = r.push("next", f)
	cmd := exec.CommandContext(b.Context(), gitBinary(b), "-c", "safe.directory=*", "repack", "-adq")
	cmd.Dir = r.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v %s", err, out)
	}
	return first, second
}

// cli runs git.
func cli(b *testing.B, dir string, args ...string) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), gitBinary(b), append([]string{"-c", "safe.directory=*", "-c", "http.sslVerify=false", "-c", "http.extraHeader=Authorization: Basic Z2l0OmdocF9odW50ZXIyaHVudGVyMg=="}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// BenchmarkGit compares with the git command: the first time, one changed file,
// nothing changed, and one folder of 250.
func BenchmarkGit(b *testing.B) {
	s := newServer(b)
	r := s.repo(b, "r.git")
	first, second := benchRepo(b, r)
	for _, way := range []string{"https", "file"} {
		url, account := s.URL+"/r.git", s.account()
		if way == "file" {
			url, account = r.url(), nil
		}
		req := func(dir, branch string) (*git.Mirrors, git.Request) {
			return &git.Mirrors{Dir: filepath.Join(dir, "git")}, git.Request{
				Source: rinca.Source{Repo: url, Branch: branch}, Account: account, Dest: filepath.Join(dir, "src"),
			}
		}
		both := func(b *testing.B, m *git.Mirrors, q git.Request, commit string) {
			b.Helper()
			fetch(b, m, q)
			checkout(b, m, q, commit)
		}
		b.Run(way+"/first/rinca", func(b *testing.B) {
			for range b.N {
				m, q := req(b.TempDir(), "main")
				both(b, m, q, first)
			}
		})
		b.Run(way+"/first/git", func(b *testing.B) {
			for range b.N {
				cli(b, b.TempDir(), "clone", "-q", "--depth=1", "--no-tags", "--branch=main", url, "src")
			}
		})
		b.Run(way+"/changed/rinca", func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				m, q := req(b.TempDir(), "main")
				both(b, m, q, first)
				_, q2 := req(filepath.Dir(q.Dest), "next")
				b.StartTimer()
				both(b, m, q2, second)
			}
		})
		b.Run(way+"/changed/git", func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				dir := b.TempDir()
				cli(b, dir, "clone", "-q", "--depth=1", "--no-tags", "--branch=main", url, "src")
				b.StartTimer()
				cli(b, dir+"/src", "fetch", "-q", "--depth=1", "--no-tags", "origin", "next")
				cli(b, dir+"/src", "reset", "-q", "--hard", "FETCH_HEAD")
			}
		})
		b.Run(way+"/unchanged/rinca", func(b *testing.B) {
			m, q := req(b.TempDir(), "main")
			both(b, m, q, first)
			both(b, m, q, first)
			for b.Loop() {
				both(b, m, q, first)
			}
		})
		b.Run(way+"/unchanged/git", func(b *testing.B) {
			dir := b.TempDir()
			cli(b, dir, "clone", "-q", "--depth=1", "--no-tags", "--branch=main", url, "src")
			for b.Loop() {
				cli(b, dir+"/src", "ls-remote", "-q", "origin", "refs/heads/main")
				cli(b, dir+"/src", "status", "--porcelain")
			}
		})
		b.Run(way+"/folder/rinca", func(b *testing.B) {
			for range b.N {
				m, q := req(b.TempDir(), "main")
				q.Source.Path = "stacks/s3"
				both(b, m, q, first)
			}
		})
	}
}
