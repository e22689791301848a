package api

import "rinca/internal/rinca"

// A route is one endpoint: a row of the table that the server, the OpenAPI
// document and the reference are made from. No cell may be empty; a test
// holds that.
type route struct {
	// pattern is method and path, such as "GET /v1/stacks/{stack}".
	pattern string
	need    need
	// audit is the action that is written to the audit log, such as
	// "stack.update", whether it worked or not; "" for what only looks.
	audit string
	// audited says that the part which does it writes the entry itself; what
	// is not allowed to reach it is written here all the same.
	audited bool
	doc     string // one sentence
	query   []param
	// in and out are examples of the body of the request and of the answer;
	// their types are what is decoded, and what the documents describe. nil
	// means none: a body is not read, and the answer is 204.
	in, out any
	// status of a good answer; 0 means 200, or 204 without out.
	status int
	// limit of the body in bytes; 0 means 64 KiB.
	limit int64
	serve func(*Server, *request) (any, error)
}

// A param is a parameter of the query. Others are refused.
type param struct{ name, doc string }

// need says who may use a route. It is checked before serve is called, and
// nowhere else.
type need struct {
	access access
	kind   rinca.Kind
	// name says which resource of the kind it is about.
	name  from
	level rinca.Level
	// reveal asks for the right Reveal too, if what is named is secret.
	reveal bool
	// change lets a session in that may only set a new password.
	change bool
	// session refuses API keys, for what would let one outgrow its scope.
	session bool
}

// access is the kind of check that is made.
type access int

const (
	_            access = iota // not chosen: the test refuses it
	public                     // no credential
	signedIn                   // any credential; about oneself, or harmless
	listed                     // any credential; the answer has only what one may read
	onTarget                   // level on the resource that name finds
	asAdmin                    // level (Read or Write) on the installation
	onUpdate                   // level on what the update {id} is about, or having asked for it
	onAlert                    // level on what the alert {alert} is about
	onRotation                 // level on every stack of the rotation {id}
	onQuarantine               // level on the stack that failed with what the body names
	execution                  // what the runner says the execution needs
)

// from finds the resource that a request is about. It may look at the path,
// the query and the decoded body.
type from struct {
	doc  string // where the name is, for the reference
	body bool   // it is in the body, which is decoded before the check then
	find func(*Server, *request) (rinca.Target, error)
}

// Rows with the usual needs.

// anyone needs no credential.
func anyone() need { return need{access: public} }

// user needs any credential.
func user() need { return need{access: signedIn} }

// list needs any credential, and answers what one may read.
func list() need { return need{access: listed} }

// admin needs the right to administer the installation: Read to look, Write
// to change.
func admin(level rinca.Level) need {
	return need{access: asAdmin, kind: rinca.KindSystem, level: level}
}

// resource needs a level on the resource that a part of the path names.
func resource(kind rinca.Kind, part string, level rinca.Level) need {
	return need{access: onTarget, kind: kind, level: level, name: from{doc: "{" + part + "}", find: func(_ *Server, r *request) (rinca.Target, error) {
		return rinca.Target{Kind: kind, Name: r.PathValue(part)}, nil
	}}}
}
