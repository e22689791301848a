package git_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/google/go-cmp/cmp"

	"rinca/internal/git"
	"rinca/internal/rinca"
)

// reach tries every way to a repository: each gets the same tests.
func reach(t *testing.T, test func(t *testing.T, r *repo, m *git.Mirrors, req git.Request)) {
	t.Run("file", func(t *testing.T) {
		r := newRepo(t)
		test(t, r, mirrors(t), request(t, r.url()))
	})
	t.Run("https", func(t *testing.T) {
		s := newServer(t)
		r := s.repo(t, "a b/repo.git")
		req := request(t, s.URL+"/a%20b/repo.git/")
		req.Account = s.account()
		test(t, r, mirrors(t), req)
	})
	t.Run("ssh", func(t *testing.T) {
		s := newSSHServer(t)
		r := newRepoAt(t, filepath.Join(s.root, "it's a repo.git"))
		req := request(t, (&url.URL{Scheme: "ssh", Host: s.addr, User: url.User("git"), Path: r.dir}).String())
		req.Account = s.account
		test(t, r, mirrors(t), req)
	})
}

func TestEveryWay(t *testing.T) {
	reach(t, func(t *testing.T, r *repo, m *git.Mirrors, req git.Request) {
		if _, err := m.Fetch(t.Context(), req); rinca.CodeOf(err) != rinca.NotFound || !strings.Contains(err.Error(), "has no commits yet") {
			t.Errorf("empty: %v", err)
		}
		one := files{"a": strings.Repeat("one\n", 100), "d/e": "x:1", "l": "l:a"}
		first := r.push("main", one)
		r.tag("v1", "main")
		r.ref("refs/tags/light", r.last["main"])
		if f := fetch(t, m, req); f != (git.Fetched{Commit: first, Ref: "refs/heads/main", New: true}) {
			t.Errorf("%+v", f)
		}
		checkout(t, m, req, first)
		if diff := cmp.Diff(one, read(t, req.Dest)); diff != "" {
			t.Fatal(diff)
		}
		two := files{"a": strings.Repeat("one\n", 100) + "two", "l": "l:a", "new": "2"}
		second := r.push("main", two)
		if f := fetch(t, m, req); f != (git.Fetched{Commit: second, Ref: "refs/heads/main", New: true}) {
			t.Errorf("%+v", f)
		}
		// What was fetched does not change what is checked out.
		if diff := cmp.Diff(one, read(t, req.Dest)); diff != "" {
			t.Fatal(diff)
		}
		checkout(t, m, req, second)
		if diff := cmp.Diff(two, read(t, req.Dest)); diff != "" {
			t.Fatal(diff)
		}
		for _, tag := range []string{"v1", "light"} {
			req := req
			req.Source.Tag = tag
			if f := fetch(t, m, req); f.Commit != first || f.Ref != "refs/tags/"+tag || f.New {
				t.Errorf("%s: %+v", tag, f)
			}
		}
		// A branch that was pushed with force, to something else.
		delete(r.last, "main")
		forced := r.push("main", files{"other": "3"})
		if f := fetch(t, m, req); f.Commit != forced {
			t.Errorf("%+v", f)
		}
		checkout(t, m, req, forced)
		checkout(t, m, req, first) // still there
		req.Source.Branch = "gone"
		_, err := m.Fetch(t.Context(), req)
		if rinca.CodeOf(err) != rinca.NotFound || rinca.HintOf(err) != "it has main" {
			t.Errorf("%v %s", err, rinca.HintOf(err))
		}
		req.Source.Branch, req.Source.Tag = "", "gone"
		_, err = m.Fetch(t.Context(), req)
		if rinca.CodeOf(err) != rinca.NotFound || rinca.HintOf(err) != "it has light, v1" {
			t.Errorf("%v %s", err, rinca.HintOf(err))
		}
	})
}

func TestTagsAndCommitsAtFirst(t *testing.T) {
	reach(t, func(t *testing.T, r *repo, m *git.Mirrors, req git.Request) {
		first := r.push("main", files{"a": "1"})
		r.tag("v1", "main")
		middle := r.push("main", files{"a": "2"})
		r.push("main", files{"a": "3"})
		for _, s := range []rinca.Source{{Tag: "v1"}, {Commit: middle}, {Commit: first}, {Branch: "main"}} {
			s.Repo = req.Source.Repo
			m := mirrors(t)
			req := req
			req.Source, req.Dest = s, filepath.Join(t.TempDir(), "src")
			f := fetch(t, m, req)
			if !f.New || s.Commit != "" && f.Commit != s.Commit || s.Tag != "" && f.Commit != first {
				t.Errorf("%+v: %+v", s, f)
			}
			checkout(t, m, req, f.Commit)
			if again := fetch(t, m, req); again.New || again.Commit != f.Commit {
				t.Errorf("%+v: again: %+v", s, again)
			}
		}
		req.Source.Commit = strings.Repeat("ab", 20)
		if _, err := m.Fetch(t.Context(), req); rinca.CodeOf(err) != rinca.NotFound || !strings.Contains(err.Error(), "has no commit abab") {
			t.Errorf("%v %v", err, cause(err))
		}
	})
}

// A server that gives only what refs name is asked for all history.
func TestCommitsOfServersThatRefuseThem(t *testing.T) {
	s := newServer(t)
	r := s.repo(t, "r.git")
	var commits []string
	for i := range 5 {
		commits = append(commits, r.push("main", files{"a": fmt.Sprint(i), "b": "same"}))
	}
	m := mirrors(t)
	req := request(t, s.URL+"/r.git")
	req.Account = s.account()
	fetch(t, m, req)
	for _, c := range []string{commits[1], commits[3]} {
		req.Source.Commit = c
		fetch(t, m, req)
		checkout(t, m, req, c)
		if got := read(t, req.Dest)["a"]; got != fmt.Sprint(strings.Index(strings.Join(commits, ""), c)/40) {
			t.Errorf("%s: %s", c, got)
		}
	}
	// And the branch moves on after that.
	req.Source.Commit = ""
	last := r.push("main", files{"a": "last", "b": "same"})
	if f := fetch(t, m, req); f.Commit != last {
		t.Error(f)
	}
	checkout(t, m, req, last)
}

func TestRefused(t *testing.T) {
	s := newServer(t)
	r := s.repo(t, "r.git")
	r.push("main", files{"a": "1"})
	s.repo(t, "forbidden/r.git").push("main", files{"a": "1"})
	with := func(change func(a *rinca.GitAccount)) *rinca.GitAccount {
		a := s.account()
		change(a)
		return a
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	host := strings.TrimPrefix(s.URL, "https://")
	for name, tc := range map[string]struct {
		url     string
		account *rinca.GitAccount
		code    rinca.Code
		text    string
	}{
		"wrong token":     {s.URL + "/r.git", with(func(a *rinca.GitAccount) { a.Token = rinca.NewSecret("hunter2wrong") }), rinca.Unauthenticated, "refuses the token"},
		"no token":        {s.URL + "/r.git", with(func(a *rinca.GitAccount) { a.Token = rinca.Secret{} }), rinca.Unauthenticated, "wants a credential"},
		"no account":      {s.URL + "/r.git", nil, rinca.Unavailable, "certificate is signed by nobody"},
		"forbidden":       {s.URL + "/forbidden/r.git", s.account(), rinca.Forbidden, "may not be read"},
		"missing":         {s.URL + "/none.git", s.account(), rinca.NotFound, "does not exist"},
		"other host":      {s.URL + "/r.git", with(func(a *rinca.GitAccount) { a.Host = "github.com" }), rinca.Invalid, "is for github.com, and not for 127.0.0.1"},
		"bad CA":          {s.URL + "/r.git", with(func(a *rinca.GitAccount) { a.CA = "hunter2" }), rinca.Invalid, "holds no certificate"},
		"closed port":     {"https://" + closed.Addr().String() + "/r.git", nil, rinca.Unavailable, "connection refused"},
		"no such host":    {"https://nowhere.invalid/r.git", nil, rinca.Unavailable, "reach nowhere.invalid"},
		"password in URL": {"https://x:hunter2@" + host + "/r.git", nil, rinca.Invalid, "holds a credential"},
		"token in URL":    {"https://hunter2@" + host + "/r.git", nil, rinca.Invalid, "holds a credential"},
		"ssh password":    {"ssh://git:hunter2@" + host + "/r.git", nil, rinca.Invalid, "holds a credential"},
		"query":           {s.URL + "/r.git?token=hunter2", s.account(), rinca.Invalid, "has a ? or #"},
		"not readable":    {"https://hunter2:\x7f", nil, rinca.Invalid, "control character"},
		"bad port":        {"https://host:hunter2/x", nil, rinca.Invalid, "cannot be read"},
		"ext":             {"ext::sh -c hunter2", nil, rinca.Invalid, "blank"},
		"ext2":            {"ext::hunter2", nil, rinca.Invalid, "cannot be read"},
		"git protocol":    {"git://host/hunter2", nil, rinca.Invalid, "is not one of"},
		"option":          {"--upload-pack=hunter2", nil, rinca.Invalid, "is not one of"},
		"option host":     {"ssh://-oProxyCommand=x/hunter2", nil, rinca.Invalid, "no proper host"},
		"relative":        {"../hunter2", nil, rinca.Invalid, "is not one of"},
		"empty":           {"", nil, rinca.Invalid, "is empty"},
		"no path":         {s.URL, s.account(), rinca.Invalid, "names no repository"},
		"clear":           {"http://example.com/r.git", &rinca.GitAccount{Name: "x", Host: "example.com", Token: rinca.NewSecret("hunter2")}, rinca.Invalid, "in the clear"},
		"file host":       {"file://host/x", nil, rinca.Invalid, "file:///absolute"},
		"no repository":   {"file:///nowhere/x", nil, rinca.NotFound, "is no Git repository"},
	} {
		m := mirrors(t)
		req := request(t, tc.url)
		req.Account = tc.account
		_, err := m.Fetch(t.Context(), req)
		if rinca.CodeOf(err) != tc.code || !strings.Contains(fmt.Sprint(err), tc.text) {
			t.Errorf("%s: %s %v (%v); want %s %q", name, rinca.CodeOf(err), err, cause(err), tc.code, tc.text)
		}
		leaks(t, m.Dir, []string{"hunter2"}, fmt.Sprint(err), rinca.HintOf(err))
	}
	for _, s := range []rinca.Source{{Branch: "a", Tag: "b"}, {Commit: "abc"}, {Path: "../x"}, {Sparse: []string{"/x"}}} {
		s.Repo = r.url()
		if _, err := mirrors(t).Fetch(t.Context(), git.Request{Source: s}); rinca.CodeOf(err) != rinca.Invalid {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

func TestSSHRefused(t *testing.T) {
	s := newSSHServer(t)
	r := newRepoAt(t, filepath.Join(s.root, "r.git"))
	r.push("main", files{"a": "1"})
	other, otherKey := newKey(t)
	with := func(change func(a *rinca.GitAccount)) *rinca.GitAccount {
		a := *s.account
		change(&a)
		return &a
	}
	good := "ssh://git@" + s.addr + r.dir
	_, port, _ := net.SplitHostPort(s.addr)
	for name, tc := range map[string]struct {
		url     string
		account *rinca.GitAccount
		code    rinca.Code
		text    string
		hint    string
	}{
		"no account":     {good, nil, rinca.Invalid, "needs a Git account with a key", ""},
		"no known_hosts": {good, with(func(a *rinca.GitAccount) { a.KnownHosts = "" }), rinca.Invalid, "has no known_hosts", "ssh-keyscan -p " + port + " 127.0.0.1"},
		"other host":     {good, with(func(a *rinca.GitAccount) { a.KnownHosts = "example.com " + strings.SplitN(a.KnownHosts, " ", 3)[2] }), rinca.Invalid, "", "ssh-keyscan"},
		"bad hosts":      {good, with(func(a *rinca.GitAccount) { a.KnownHosts = "x y" }), rinca.Invalid, "known_hosts of the Git account key", ""},
		"impostor": {good, with(func(a *rinca.GitAccount) {
			a.KnownHosts = "[127.0.0.1]:" + port + " " + strings.TrimSpace(string(sshLine(other.PublicKey())))
		}), rinca.Forbidden, "shows a host key that is not in", "ssh-keyscan"},
		"wrong key":  {good, with(func(a *rinca.GitAccount) { a.Key = rinca.NewSecret(otherKey) }), rinca.Unauthenticated, "refuses the key", ""},
		"bad key":    {good, with(func(a *rinca.GitAccount) { a.Key = rinca.NewSecret("hunter2") }), rinca.Invalid, "is no private key", ""},
		"missing":    {"ssh://git@" + s.addr + "/none.git", s.account, rinca.NotFound, "does not exist", ""},
		"other user": {"ssh://root@" + s.addr + r.dir, s.account, rinca.Unauthenticated, "refuses the key", ""},
		"no host": {"git@nowhere.invalid:x", with(func(a *rinca.GitAccount) {
			a.Host = "nowhere.invalid"
			a.KnownHosts = strings.Replace(a.KnownHosts, "[127.0.0.1]:"+port, "nowhere.invalid", 1)
		}), rinca.Unavailable, "reach nowhere.invalid", ""},
	} {
		m := mirrors(t)
		req := request(t, tc.url)
		req.Account = tc.account
		_, err := m.Fetch(t.Context(), req)
		if rinca.CodeOf(err) != tc.code || !strings.Contains(fmt.Sprint(err), tc.text) || !strings.Contains(rinca.HintOf(err), tc.hint) {
			t.Errorf("%s: %s %v (%s) %v; want %s %q", name, rinca.CodeOf(err), err, rinca.HintOf(err), cause(err), tc.code, tc.text)
		}
		leaks(t, m.Dir, []string{"hunter2"}, fmt.Sprint(err), rinca.HintOf(err))
	}
}

// The token goes to its host alone, and lies nowhere.
func TestTokenStays(t *testing.T) {
	s := newServer(t)
	r := s.repo(t, "r.git")
	r.push("main", files{"a": "1"})
	var got []string
	thief := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		got = append(got, q.Header.Get("Authorization"))
		http.Error(w, "x", http.StatusUnauthorized)
	}))
	t.Cleanup(thief.Close)
	host := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		http.Redirect(w, q, thief.URL+q.URL.Path+"?"+q.URL.RawQuery, http.StatusFound)
	}))
	t.Cleanup(host.Close)
	m := mirrors(t)
	req := request(t, host.URL+"/r.git")
	req.Account = s.account()
	req.Account.Host = strings.TrimPrefix(host.URL, "https://")
	_, err := m.Fetch(t.Context(), req)
	if rinca.CodeOf(err) != rinca.Unauthenticated || len(got) != 1 || got[0] != "" {
		t.Errorf("%v %q", err, got)
	}
	req = request(t, s.URL+"/r.git")
	req.Account = s.account()
	var said []string
	req.Out = func(l rinca.Line) { said = append(said, l.Text) }
	f := fetch(t, m, req)
	checkout(t, m, req, f.Commit)
	basic := base64.StdEncoding.EncodeToString([]byte("git:" + token))
	leaks(t, m.Dir, []string{token, basic, "hunter2"}, strings.Join(said, "\n"))
	leaks(t, filepath.Dir(req.Dest), []string{token, basic, "hunter2"})
}

// A redirect on the same host is followed, also for the pack.
func TestRedirect(t *testing.T) {
	s := newServer(t)
	r := s.repo(t, "new/r.git")
	commit := r.push("main", files{"a": "1"})
	inner := s.Config.Handler
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if strings.HasPrefix(q.URL.Path, "/old/") {
			http.Redirect(w, q, "/new/"+strings.TrimPrefix(q.URL.Path, "/old/")+"?"+q.URL.RawQuery, http.StatusMovedPermanently)
			return
		}
		inner.ServeHTTP(w, q)
	})
	m := mirrors(t)
	req := request(t, s.URL+"/old/r.git")
	req.Account = s.account()
	fetch(t, m, req)
	checkout(t, m, req, commit)
}

func TestSameFetchesAreJoined(t *testing.T) {
	s := newServer(t)
	r := s.repo(t, "r.git")
	commit := r.push("main", files{"a": "1"})
	s.slow = make(chan struct{})
	m := mirrors(t)
	var group sync.WaitGroup
	var started atomic.Int64
	for range 20 {
		group.Go(func() {
			req := request(t, s.URL+"/r.git")
			req.Account = s.account()
			started.Add(1)
			f, err := m.Fetch(t.Context(), req)
			if err != nil || f.Commit != commit {
				t.Error(f, err)
			}
		})
	}
	// One that gives up does not take the others with it.
	ctx, cancel := context.WithCancel(t.Context())
	group.Go(func() {
		req := request(t, s.URL+"/r.git")
		req.Account = s.account()
		started.Add(1)
		if _, err := m.Fetch(ctx, req); rinca.CodeOf(err) != rinca.Canceled {
			t.Error(err)
		}
	})
	for started.Load() < 21 || s.requests.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond)
	cancel()
	time.Sleep(50 * time.Millisecond)
	close(s.slow)
	group.Wait()
	if n := s.requests.Load(); n != 2 {
		t.Errorf("%d requests; want 2", n)
	}
}

func TestCancel(t *testing.T) {
	s := newServer(t)
	s.repo(t, "r.git").push("main", files{"a": "1"})
	s.slow = make(chan struct{})
	defer close(s.slow)
	m := mirrors(t)
	req := request(t, s.URL+"/r.git")
	req.Account = s.account()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := m.Fetch(ctx, req); rinca.CodeOf(err) != rinca.Unavailable || !strings.Contains(err.Error(), "out of time") || time.Since(start) > 2*time.Second {
		t.Error(err, time.Since(start))
	}
	canceled, stop := context.WithCancel(t.Context())
	stop()
	if _, err := m.Fetch(canceled, req); rinca.CodeOf(err) != rinca.Canceled {
		t.Error(err)
	}
}

// A server that says nothing is given up.
func TestStall(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, c) }()
		}
	}()
	s := newSSHServer(t)
	key := *s.account
	key.KnownHosts = strings.ReplaceAll(key.KnownHosts, strings.Split(s.addr, ":")[1], strings.Split(l.Addr().String(), ":")[1])
	for u, account := range map[string]*rinca.GitAccount{"https://" + l.Addr().String() + "/x": nil, "http://" + l.Addr().String() + "/x": nil, "ssh://git@" + l.Addr().String() + "/x": &key} {
		m := mirrors(t)
		m.Stall = 200 * time.Millisecond
		req := request(t, u)
		req.Account = account
		start := time.Now()
		_, err = m.Fetch(t.Context(), req)
		if rinca.CodeOf(err) != rinca.Unavailable || time.Since(start) > 3*time.Second {
			t.Errorf("%s: %v %v", u, err, time.Since(start))
		}
	}
}

// The network is cut after every so many bytes: nothing of what is there
// changes, and the next fetch succeeds.
func TestCutAtEveryStage(t *testing.T) {
	big := make([]byte, 20_000)
	for i := range big {
		big[i] = byte(i * i >> 3)
	}
	ways := map[string]func(t *testing.T) (*repo, *proxy, git.Request){
		"https": func(t *testing.T) (*repo, *proxy, git.Request) {
			s := newServer(t)
			p := newProxy(t, s.Listener.Addr().String())
			req := request(t, "https://"+p.Addr().String()+"/r.git")
			req.Account = s.account()
			req.Account.Host = p.Addr().String()
			return s.repo(t, "r.git"), p, req
		},
		"ssh": func(t *testing.T) (*repo, *proxy, git.Request) {
			s := newSSHServer(t)
			p := newProxy(t, s.addr)
			r := newRepoAt(t, filepath.Join(s.root, "r.git"))
			req := request(t, "ssh://git@"+p.Addr().String()+r.dir)
			a := *s.account
			a.KnownHosts = strings.ReplaceAll(a.KnownHosts, strings.Split(s.addr, ":")[1], strings.Split(p.Addr().String(), ":")[1])
			req.Account = &a
			return r, p, req
		},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			r, p, req := way(t)
			old := files{"a": "1", "big": string(big)}
			first := r.push("main", old)
			m := mirrors(t)
			m.Stall = 300 * time.Millisecond
			fetch(t, m, req)
			checkout(t, m, req, first)
			second := r.push("main", files{"a": "2", "big": string(big[1:]) + "x", "more": string(big[7:])})
			probe := mirrors(t)
			start := p.seen.Load()
			fetch(t, probe, req)
			total := p.seen.Load() - start
			cuts := 0
			for n := int64(0); n < total+total/3; n += max(total/60, 1) {
				p.seen.Store(0)
				p.cut.Store(n)
				p.stall.Store(cuts%10 == 9)
				fresh := mirrors(t)
				fresh.Stall = m.Stall
				which := m
				if cuts%2 == 0 { // half of them have nothing yet
					which = fresh
				}
				_, err := which.Fetch(t.Context(), req)
				p.cut.Store(-1)
				if err == nil {
					if n < total/3 {
						t.Errorf("cut after %d of %d, and it succeeded", n, total)
					}
					break
				}
				cuts++
				if code := rinca.CodeOf(err); code != rinca.Unavailable {
					t.Errorf("cut after %d: %s %v %v", n, code, err, cause(err))
				}
				c := checkout(t, m, req, first)
				if diff := cmp.Diff(old, read(t, req.Dest)); diff != "" || c.Changed {
					t.Fatal(diff)
				}
				if _, err := which.Checkout(t.Context(), git.Request{Source: req.Source, Account: req.Account, Dest: filepath.Join(t.TempDir(), "src")}, second); rinca.CodeOf(err) != rinca.NotFound {
					t.Errorf("the second is there: %v", err)
				}
			}
			if cuts < 20 {
				t.Errorf("%d cuts only", cuts)
			}
			fetch(t, m, req)
			checkout(t, m, req, second)
			left, _ := filepath.Glob(filepath.Join(m.Dir, "*/objects/pack/tmp*"))
			if len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// A mirror whose packs are damaged says so once, and is fetched afresh.
func TestDamagedMirror(t *testing.T) {
	s := newServer(t)
	r := s.repo(t, "r.git")
	commit := r.push("main", files{"a": strings.Repeat("1", 5000), "b": "2"})
	m := mirrors(t)
	req := request(t, s.URL+"/r.git")
	req.Account = s.account()
	for _, damage := range []func(p string) error{
		func(p string) error { return os.Truncate(p, 40) },
		os.Remove,
		func(p string) error {
			data, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			for i := 12; i < len(data); i++ {
				data[i] ^= 0x55
			}
			return os.WriteFile(p, data, 0o600)
		},
	} {
		fetch(t, m, req)
		packs, _ := filepath.Glob(filepath.Join(m.Dir, "*/objects/pack/*.pack"))
		for _, p := range packs {
			if err := joinErrors(os.Chmod(p, 0o600), damage(p)); err != nil {
				t.Fatal(err)
			}
		}
		dest := git.Request{Source: req.Source, Account: req.Account, Dest: filepath.Join(t.TempDir(), "src")}
		if _, err := m.Checkout(t.Context(), dest, commit); rinca.CodeOf(err) != rinca.Corrupt {
			t.Errorf("%v", err)
		}
		if f := fetch(t, m, req); !f.New {
			t.Error("not fetched again")
		}
		checkout(t, m, dest, commit)
	}
}

// Mirrors do not grow without end, and after they were put together the newest
// commits are still there.
func TestManyFetchesArePutTogether(t *testing.T) {
	s := newServer(t)
	served := s.repo(t, "r.git")
	m := mirrors(t)
	for _, r := range []*repo{newRepo(t), served} {
		req := request(t, r.url())
		if r == served {
			req = request(t, s.URL+"/r.git")
			req.Account = s.account()
		}
		var last string
		for i := range 75 {
			last = r.push("main", files{"a": fmt.Sprint(i), "b": "same"})
			fetch(t, m, req)
		}
		commits, _ := filepath.Glob(filepath.Join(m.Dir, "*/commits/*"))
		if len(commits) > 120 {
			t.Errorf("%d commits", len(commits))
		}
		checkout(t, m, req, last)
		checkout(t, m, req, r.parent(20).String())
		if got := read(t, req.Dest)["a"]; got != "54" {
			t.Error(got)
		}
		if _, err := m.Checkout(t.Context(), req, r.parent(74).String()); rinca.CodeOf(err) != rinca.NotFound {
			t.Errorf("the oldest: %v", err)
		}
	}
}

// What a commit changes is what travels.
func TestSmallChangesAreSmall(t *testing.T) {
	s := newServer(t)
	r := s.repo(t, "r.git")
	p := newProxy(t, s.Listener.Addr().String())
	m := mirrors(t)
	req := request(t, "https://"+p.Addr().String()+"/r.git")
	req.Account = s.account()
	req.Account.Host = p.Addr().String()
	f := files{}
	for i := range 300 {
		content := make([]byte, 1000)
		for j := range content {
			content[j] = byte('a' + (i*j*j+i+j/7)%26)
		}
		f[fmt.Sprintf("d%d/f%d", i%10, i)] = string(content)
	}
	r.push("main", f)
	fetch(t, m, req)
	for i := range 3 {
		f["d3/f3"] = fmt.Sprint(i) + f["d3/f3"]
		if i == 2 {
			delete(r.last, "main") // pushed with force: another history
		}
		commit := r.push("main", f)
		before := p.seen.Load()
		fetch(t, m, req)
		if n := p.seen.Load() - before; n > 20_000 {
			t.Errorf("%d bytes for a small change", n)
		}
		checkout(t, m, req, commit)
		if diff := cmp.Diff(f, read(t, req.Dest)); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestSweep(t *testing.T) {
	m := mirrors(t)
	if err := m.Sweep(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	var sources []rinca.Source
	for range 3 {
		r := newRepo(t)
		r.push("main", files{"a": "1"})
		req := request(t, r.url())
		fetch(t, m, req)
		sources = append(sources, req.Source)
	}
	if err := os.WriteFile(filepath.Join(m.Dir, "notes"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := m.Sweep(t.Context(), sources[:1]); err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(names(t, m.Dir)); len(got) != 2 {
		t.Errorf("left: %v", got)
	}
	fetch(t, m, git.Request{Source: sources[2]})
}

// Nothing of a want that a server lies about is believed.
func TestLies(t *testing.T) {
	h := plumbing.NewHash(strings.Repeat("12", 20))
	pkt := func(s string) string { return fmt.Sprintf("%04x%s", len(s)+4, s) }
	advert := pkt("# service=git-upload-pack\n") + "0000" + pkt(h.String()+" HEAD\x00shallow side-band-64k symref=HEAD:refs/heads/main\n") + pkt(h.String()+" refs/heads/main\n") + "0000"
	for name, body := range map[string]string{
		"nothing":     "",
		"no pack":     pkt("shallow "+h.String()) + "0000" + pkt("NAK\n") + "0000",
		"empty pack":  pkt("shallow "+h.String()) + "0000" + pkt("NAK\n") + pkt("\x01PACK\x00\x00\x00\x02\x00\x00\x00\x00\x02\x9d\x08\x82\x3b\xd8\xa8\xea\xb5\x10\xad\x6a\xc7\x5c\x82\x3c\xfd\x3e\xd3\x1e") + "0000",
		"many":        pkt("shallow "+h.String()) + "0000" + pkt("NAK\n") + pkt("\x01PACK\x00\x00\x00\x02\xff\xff\xff\xff") + "0000",
		"garbage":     "garbage garbage",
		"error":       pkt("ERR upload-pack: not our ref\x1b[31m"),
		"error later": pkt("shallow "+h.String()) + "0000" + pkt("NAK\n") + pkt("\x03fatal: \x1b[31mout of memory"),
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if q.Method == http.MethodGet {
				w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
				_, _ = io.WriteString(w, advert)
				return
			}
			w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
			_, _ = io.WriteString(w, body)
		}))
		m := mirrors(t)
		req := request(t, srv.URL+"/r.git")
		_, err := m.Fetch(t.Context(), req)
		if code := rinca.CodeOf(err); code != rinca.Unavailable && code != rinca.NotFound || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: %s %v", name, code, err)
		}
		if _, err := m.Checkout(t.Context(), req, h.String()); rinca.CodeOf(err) != rinca.NotFound {
			t.Errorf("%s: %v", name, err)
		}
		srv.Close()
	}
}
