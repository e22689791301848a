package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"rinca/internal/rinca"
)

// A push is what a delivery tells.
type push struct {
	event  string // as the sender names it
	isPush bool
	plain  bool // no push, but somebody who simply asks for a start

	ref, branch, tag string
	before, after    string
	deleted, forced  bool
	author           string
	repos            []string // addresses of the repository, as the sender knows them
	repository       string   // for people
	defaultBranch    string
	files            []string // that its commits touch
	complete         bool     // those are all of them
}

// What is read of a payload. All senders have most of it under the same names.
type (
	rawPush struct {
		Ref          string      `json:"ref"`
		Before       string      `json:"before"`
		After        string      `json:"after"`
		CheckoutSHA  string      `json:"checkout_sha"`
		Deleted      bool        `json:"deleted"`
		Forced       bool        `json:"forced"`
		Size         *int        `json:"size"`
		Total        *int        `json:"total_commits"`       // Gitea, Forgejo
		TotalCount   *int        `json:"total_commits_count"` // GitLab
		Commits      []rawCommit `json:"commits"`
		Head         *rawCommit  `json:"head_commit"`
		Repository   rawRepo     `json:"repository"`
		Project      rawRepo     `json:"project"`
		Pusher       rawUser     `json:"pusher"`
		Sender       rawUser     `json:"sender"`
		UserUsername string      `json:"user_username"`
		UserName     string      `json:"user_name"`
		ObjectKind   string      `json:"object_kind"`
		EventName    string      `json:"event_name"`
	}
	rawCommit struct {
		ID       string   `json:"id"`
		Added    []string `json:"added"`
		Removed  []string `json:"removed"`
		Modified []string `json:"modified"`
	}
	rawRepo struct {
		FullName      string `json:"full_name"`
		PathWith      string `json:"path_with_namespace"`
		CloneURL      string `json:"clone_url"`
		SSHURL        string `json:"ssh_url"`
		HTMLURL       string `json:"html_url"`
		GitURL        string `json:"git_url"`
		GitHTTPURL    string `json:"git_http_url"`
		GitSSHURL     string `json:"git_ssh_url"`
		HTTPURL       string `json:"http_url"`
		URL           string `json:"url"`
		WebURL        string `json:"web_url"`
		Homepage      string `json:"homepage"`
		DefaultBranch string `json:"default_branch"`
	}
	rawUser struct {
		Name     string `json:"name"`
		Login    string `json:"login"`
		Username string `json:"username"`
	}
)

// maxFiles is how many files of one push are looked at; a push of more touches
// everything.
const maxFiles = 50_000

// document returns the JSON of a body: the body itself, or what a form holds
// in its field payload. A body without anything is {}.
func document(h http.Header, body []byte) ([]byte, error) {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type")) // what is no media type is no form
	text := bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if kind == "application/x-www-form-urlencoded" && !bytes.HasPrefix(text, []byte("{")) {
		form, err := url.ParseQuery(string(text))
		if err != nil {
			return nil, rinca.Errorf(rinca.Invalid, "the body is no form, although the header Content-Type says so")
		}
		text = bytes.TrimSpace([]byte(form.Get("payload")))
	}
	if len(text) == 0 {
		return []byte("{}"), nil
	}
	if !json.Valid(text) {
		return nil, rinca.Errorf(rinca.Invalid, "the body is no JSON: it breaks off, or was never any").Try("the content type application/json, at the sender")
	}
	return text, nil
}

// eventOf returns the sender's name of what happened; "" when it says nothing.
func eventOf(p provider, h http.Header) string { return clean(first(h, p.events), 100) }

// parse reads a payload. Whatever is not a push is one of no interest; only a
// push that cannot be understood is an error.
func parse(p provider, event string, doc []byte) (push, error) {
	var raw rawPush
	err := json.Unmarshal(doc, &raw)
	out := push{event: clean(event, 100)}
	if out.event == "" {
		out.event = clean(or(raw.ObjectKind, raw.EventName), 100)
	}
	switch strings.ToLower(out.event) {
	case "push", "push hook", "tag push hook", "tag_push":
		out.isPush = true
	case "system hook":
		out.event = clean(or(raw.ObjectKind, raw.EventName, out.event), 100)
		out.isPush = out.event == "push" || out.event == "tag_push"
	case "":
		// A sender of its own kind: a push if it says what was pushed, else
		// somebody who wants a start.
		out.isPush = strings.HasPrefix(raw.Ref, "refs/")
		out.plain = !out.isPush && p.name == "bearer"
	}
	out.about(&raw)
	if !out.isPush {
		return out, nil
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field == "" {
		return out, rinca.Errorf(rinca.Invalid, "the push cannot be understood: it is a JSON %s, and no object", wrong.Value)
	} else if ok {
		return out, rinca.Errorf(rinca.Invalid, "the push cannot be understood: %.80s is no %s", clean(wrong.Field, 80), wrong.Type)
	}
	if err != nil {
		return out, rinca.Errorf(rinca.Invalid, "the push cannot be understood").Because(err)
	}
	if raw.Ref == "" {
		return out, rinca.Errorf(rinca.Invalid, "the push does not say what was pushed: it has no ref")
	}
	out.what(&raw)
	return out, nil
}

// about reads what every payload has: who, and where.
func (p *push) about(raw *rawPush) {
	p.author = clean(or(raw.UserUsername, raw.Pusher.Login, raw.Pusher.Username, raw.Pusher.Name, raw.Sender.Login, raw.Sender.Username, raw.UserName), 80)
	for _, r := range []rawRepo{raw.Repository, raw.Project} {
		for _, a := range []string{r.CloneURL, r.SSHURL, r.GitHTTPURL, r.GitSSHURL, r.HTTPURL, r.GitURL, r.HTMLURL, r.WebURL, r.Homepage, r.URL} {
			if a != "" && len(a) < 2000 {
				p.repos = append(p.repos, a)
			}
		}
		p.repository = or(p.repository, r.FullName, r.PathWith)
		p.defaultBranch = or(p.defaultBranch, r.DefaultBranch)
	}
	p.repository, p.defaultBranch = clean(p.repository, 200), clean(p.defaultBranch, 250)
}

// what reads what was pushed.
func (p *push) what(raw *rawPush) {
	p.ref = clean(raw.Ref, 300)
	if b, ok := strings.CutPrefix(p.ref, "refs/heads/"); ok {
		p.branch = b
	} else if t, ok := strings.CutPrefix(p.ref, "refs/tags/"); ok {
		p.tag = t
	}
	p.before = commit(raw.Before)
	p.after = commit(raw.After)
	p.deleted = raw.Deleted || raw.After != "" && strings.Trim(raw.After, "0") == ""
	p.forced = raw.Forced
	if p.tag != "" { // an annotated tag is an object of its own
		if raw.Head != nil && commit(raw.Head.ID) != "" {
			p.after = commit(raw.Head.ID)
		} else if c := commit(raw.CheckoutSHA); c != "" {
			p.after = c
		}
	}
	p.touches(raw)
}

// touches collects the files of the commits, and says whether those are all.
func (p *push) touches(raw *rawPush) {
	p.complete = p.before != "" && p.after != "" && !p.forced && len(raw.Commits) > 0 && len(raw.Commits) <= 20
	for _, n := range []*int{raw.Size, raw.Total, raw.TotalCount} {
		if n != nil && *n > len(raw.Commits) {
			p.complete = false
		}
	}
	seen := map[string]bool{}
	for _, c := range raw.Commits {
		for _, list := range [][]string{c.Added, c.Removed, c.Modified} {
			for _, f := range list {
				if !seen[f] && f != "" && len(p.files) < maxFiles {
					seen[f] = true
					p.files = append(p.files, f)
				}
			}
		}
	}
	// Commits that touch nothing are those of a sender that does not tell.
	p.complete = p.complete && len(p.files) > 0 && len(p.files) < maxFiles
}

// commit returns a text if it is the name of a commit, and not of none.
func commit(s string) string {
	if len(s) != 40 && len(s) != 64 || strings.Trim(s, "0123456789abcdef") != "" || strings.Trim(s, "0") == "" {
		return ""
	}
	return s
}

// clean makes a text of a stranger one short line.
func clean(s string, most int) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, s)
	if s = strings.TrimSpace(s); len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

func or(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

// canonical returns what two addresses of one repository have in common: the
// host and the path, without how it is reached. "" for what is no address.
func canonical(address string) string {
	host, p := "", ""
	if u, err := url.Parse(address); err == nil && u.Scheme != "" && (u.Host != "" || u.Scheme == "file") {
		host, p = u.Hostname(), u.Path
		if u.Scheme == "file" {
			return "file:" + strings.TrimSuffix(strings.TrimRight(p, "/"), ".git")
		}
	} else if before, after, ok := strings.Cut(address, ":"); ok && !strings.Contains(before, "/") && !strings.HasPrefix(after, "//") {
		_, host, _ = strings.Cut("@"+before, "@")
		if i := strings.LastIndexByte(host, '@'); i >= 0 {
			host = host[i+1:]
		}
		p = after
	}
	p = strings.TrimSuffix(strings.Trim(p, "/"), ".git")
	if host == "" || p == "" {
		return ""
	}
	return strings.ToLower(host + "/" + p)
}

// from reports whether the push is one to a repository. An address whose host
// is a name without a dot is an alias, as in a Compose network: then the path
// decides.
func (p *push) from(address string) bool {
	want := canonical(address)
	if want == "" {
		return false
	}
	host, rest, _ := strings.Cut(want, "/")
	for _, a := range p.repos {
		have := canonical(a)
		if have == want {
			return true
		}
		_, r, _ := strings.Cut(have, "/")
		if r == rest && !strings.ContainsAny(host, ".:") && host != "localhost" {
			return true
		}
	}
	return false
}
