package git

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"rinca/internal/lazyregexp"
	"rinca/internal/rinca"
)

// An address is where a repository is, checked.
type address struct {
	scheme  string // https, http, ssh or file
	user    string // ssh
	host    string // with its port, if one is written
	path    string
	text    string // the whole, for people; it holds no credential
	account string // the name of the account
}

// key identifies the repository as this account sees it.
func (a address) key() string { return a.text + "\x00" + a.account }

// name is the directory of the mirror.
func (a address) name() string {
	sum := sha256.Sum256([]byte(a.key()))
	return hex.EncodeToString(sum[:12])
}

// hostname is the host without its port.
func (a address) hostname() string {
	if h, _, err := net.SplitHostPort(a.host); err == nil {
		return h
	}
	return strings.Trim(a.host, "[]")
}

var (
	scpLike  = lazyregexp.New(`^([A-Za-z0-9_][A-Za-z0-9_.-]*)@([A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\]):([^:].*)$`)
	hostLike = lazyregexp.New(`^([A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)
	userLike = lazyregexp.New(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	commitID = lazyregexp.New(`^[0-9a-f]{40}$`)
)

// parseAddress checks the URL of a source, and that the account is for it. Its
// errors never quote the URL: somebody may have written a token into it.
func parseAddress(s rinca.Source, account *rinca.GitAccount) (address, error) {
	bad := func(why string) (address, error) {
		return address{}, rinca.Errorf(rinca.Invalid, "the repository's URL %s", why).
			Try("https://host/owner/name.git, git@host:owner/name.git or file:///path")
	}
	text := strings.TrimSpace(s.Repo)
	if text == "" {
		return bad("is empty")
	}
	for _, r := range text {
		if r <= ' ' || r == 0x7f {
			return bad("holds a blank or a control character")
		}
	}
	a := address{}
	if account != nil {
		a.account = account.Name
	}
	if m := scpLike.FindStringSubmatch(text); m != nil && !strings.Contains(text, "://") {
		a.scheme, a.user, a.host, a.path, a.text = "ssh", m[1], m[2], m[3], text
		return a.checked(account)
	}
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" {
		return bad("cannot be read")
	}
	a.scheme = strings.ToLower(u.Scheme)
	_, hasPassword := u.User.Password()
	switch {
	case hasPassword || u.User != nil && a.scheme != "ssh":
		return address{}, rinca.Errorf(rinca.Invalid, "the repository's URL holds a credential").
			Try("keep it in a Git account: rinca git account add NAME --host HOST")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return bad("has a ? or #")
	}
	switch a.scheme {
	case "file":
		if u.Host != "" && u.Host != "localhost" || !path.IsAbs(u.Path) {
			return bad("of a local repository is file:///absolute/path")
		}
		a.path = filepath.Clean(u.Path)
		a.text = "file://" + a.path
		return a, nil
	case "https", "http", "ssh":
		if !hostLike.MatchString(u.Host) {
			return bad("has no proper host")
		}
		a.host, a.path = strings.ToLower(u.Host), u.Path
		if a.scheme == "ssh" {
			a.user = u.User.Username()
			a.text = "ssh://" + strings.TrimPrefix(a.user+"@", "@") + a.host + u.EscapedPath()
		} else {
			a.path = strings.TrimRight(u.EscapedPath(), "/")
			a.text = a.scheme + "://" + a.host + a.path
		}
		return a.checked(account)
	}
	return bad("is not one of https, ssh or file")
}

// checked refuses accounts that are not for the address.
func (a address) checked(account *rinca.GitAccount) (address, error) {
	if strings.Trim(a.path, "/") == "" {
		return a, rinca.Errorf(rinca.Invalid, "%s names no repository", a.text).Try("https://host/owner/name.git")
	}
	if a.scheme == "ssh" {
		if a.user == "" && account != nil {
			a.user = account.Username
		}
		if a.user == "" {
			a.user = "git"
		}
		if !userLike.MatchString(a.user) {
			return a, rinca.Errorf(rinca.Invalid, "%s has no proper user", a.text)
		}
	}
	if account == nil {
		return a, nil
	}
	host := strings.ToLower(account.Host)
	same := sameHost(a, host)
	if a.scheme == "ssh" { // the server proves who it is; no credential is sent to it
		name, _, err := net.SplitHostPort(host)
		same = same || host == a.hostname() || err == nil && name == a.hostname()
	}
	if !same {
		return a, rinca.Errorf(rinca.Invalid, "the Git account %s is for %s, and not for %s", account.Name, account.Host, a.host).
			Try("use an account for %s: rinca git account add NAME --host %s", a.host, a.host)
	}
	if a.scheme == "http" && account.Token.IsSet() && !loopback(a.hostname()) {
		return a, rinca.Errorf(rinca.Invalid, "%s would send the token of %s in the clear", a.text, account.Name).Try("use https://")
	}
	return a, nil
}

// sameHost reports whether host, perhaps with the default port, is the one of
// the address.
func sameHost(a address, host string) bool {
	port := map[string]string{"https": ":443", "http": ":80", "ssh": ":22"}[a.scheme]
	return strings.TrimSuffix(host, port) == strings.TrimSuffix(a.host, port)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Check reports what would make every fetch of a source fail, without a
// request. Account is the one that the source names, or nil. Errors have code
// Invalid, and do not repeat what may hold a credential.
func Check(s rinca.Source, account *rinca.GitAccount) error {
	if err := checkSource(s); err != nil {
		return err
	}
	_, err := parseAddress(s, account)
	return err
}

// checkSource checks everything but the URL.
func checkSource(s rinca.Source) error {
	n := 0
	for _, v := range []string{s.Branch, s.Tag, s.Commit} {
		if v != "" {
			n++
		}
	}
	if n > 1 {
		return rinca.Errorf(rinca.Invalid, "a source has one of branch, tag and commit, not %d", n)
	}
	if s.Commit != "" && !commitID.MatchString(s.Commit) {
		return rinca.Errorf(rinca.Invalid, "%.60q is no commit", s.Commit).Try("write all 40 digits: git rev-parse %.40s", s.Commit)
	}
	for _, p := range append([]string{s.Path}, s.Sparse...) {
		if _, err := cleanPath(p); err != nil {
			return err
		}
	}
	return nil
}

// cleanPath returns a path of the repository without its ornaments; "" is the
// root.
func cleanPath(p string) (string, error) {
	clean := path.Clean("/" + p)[1:]
	if strings.HasPrefix(p, "/") || strings.ContainsAny(p, "\x00\n\r") || strings.Contains("/"+p+"/", "/../") {
		return "", rinca.Errorf(rinca.Invalid, "the path %.200q is not one inside the repository", p)
	}
	return clean, nil
}

// wanted is the part of a source that a fetch depends on.
func wanted(s rinca.Source) string {
	return fmt.Sprintf("%q %q %q", s.Branch, s.Tag, s.Commit)
}

// credential tells accounts with different credentials apart.
func credential(account *rinca.GitAccount) string {
	if account == nil {
		return ""
	}
	h := sha256.New()
	for _, s := range []string{account.Username, account.Token.Reveal(), account.Key.Reveal(), account.KnownHosts, account.CA} {
		fmt.Fprintf(h, "%d %s", len(s), s)
	}
	return hex.EncodeToString(h.Sum(nil))
}
