package store

import (
	"context"
	"errors"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/seal"
)

var errStub = errors.New("not yet") // bodies follow

func Exists(dir string) bool                                      { return false }
func Open(ctx context.Context, cfg Config) (*DB, error)           { return nil, errStub }
func LockServer(dir string) (unlock func(), err error)            { return nil, errStub }
func (db *DB) Close() error                                       { return errStub }
func (db *DB) Digest(purpose string, data ...[]byte) (d [32]byte) { return d }
func (db *DB) Revision() int64                                    { return 0 }
func (db *DB) PutStack(ctx context.Context, s rinca.Stack, mode PutMode) (rinca.Stack, error) {
	return s, errStub
}
func (db *DB) Stack(ctx context.Context, name string) (s rinca.Stack, err error) { return s, errStub }
func (db *DB) Stacks(ctx context.Context) ([]rinca.Stack, error)                 { return nil, errStub }
func (db *DB) DeleteStack(ctx context.Context, name string) error                { return errStub }

func (db *DB) PutVariable(ctx context.Context, v rinca.Variable, mode PutMode) (rinca.Variable, error) {
	return v, errStub
}
func (db *DB) Variable(ctx context.Context, stack, name string) (v rinca.Variable, err error) {
	return v, errStub
}
func (db *DB) Variables(ctx context.Context) ([]rinca.Variable, error) { return nil, errStub }
func (db *DB) VariableVersions(ctx context.Context, stack, name string) ([]rinca.VariableVersion, error) {
	return nil, errStub
}
func (db *DB) DeleteVariable(ctx context.Context, stack, name string) error { return errStub }

func (db *DB) PutServer(ctx context.Context, s rinca.Server, mode PutMode) (rinca.Server, error) {
	return s, errStub
}
func (db *DB) Server(ctx context.Context, name string) (s rinca.Server, err error) { return s, errStub }
func (db *DB) Servers(ctx context.Context) ([]rinca.Server, error)                 { return nil, errStub }
func (db *DB) DeleteServer(ctx context.Context, name string) error                 { return errStub }

func (db *DB) PutGitAccount(ctx context.Context, a rinca.GitAccount, mode PutMode) (rinca.GitAccount, error) {
	return a, errStub
}
func (db *DB) GitAccount(ctx context.Context, name string) (a rinca.GitAccount, err error) {
	return a, errStub
}
func (db *DB) GitAccounts(ctx context.Context) ([]rinca.GitAccount, error) { return nil, errStub }
func (db *DB) DeleteGitAccount(ctx context.Context, name string) error     { return errStub }

func (db *DB) PutUser(ctx context.Context, u rinca.User, mode PutMode) (rinca.User, error) {
	return u, errStub
}
func (db *DB) User(ctx context.Context, name string) (u rinca.User, err error) { return u, errStub }
func (db *DB) Users(ctx context.Context) ([]rinca.User, error)                 { return nil, errStub }
func (db *DB) DeleteUser(ctx context.Context, name string) error               { return errStub }

// TouchLogin notes that a user signed in; Revision stays.
func (db *DB) TouchLogin(ctx context.Context, user string, at time.Time) error { return errStub }

func (db *DB) SetCredentials(ctx context.Context, user string, c Credentials) error { return errStub }
func (db *DB) Credentials(ctx context.Context, user string) (c Credentials, err error) {
	return c, errStub
}

// UseTOTP notes that the code of a step was used; false when that step, or a
// later one, was used before.
func (db *DB) UseTOTP(ctx context.Context, user string, step int64) (bool, error) {
	return false, errStub
}

func (db *DB) PutGroup(ctx context.Context, g rinca.UserGroup, mode PutMode) (rinca.UserGroup, error) {
	return g, errStub
}
func (db *DB) Group(ctx context.Context, name string) (g rinca.UserGroup, err error) {
	return g, errStub
}
func (db *DB) Groups(ctx context.Context) ([]rinca.UserGroup, error) { return nil, errStub }
func (db *DB) DeleteGroup(ctx context.Context, name string) error    { return errStub }

func (db *DB) PutAPIKey(ctx context.Context, k rinca.APIKey, hash [32]byte) (rinca.APIKey, error) {
	return k, errStub
}
func (db *DB) APIKey(ctx context.Context, id string) (k rinca.APIKey, err error) { return k, errStub }
func (db *DB) APIKeyByHash(ctx context.Context, hash [32]byte) (k rinca.APIKey, err error) {
	return k, errStub
}
func (db *DB) APIKeys(ctx context.Context, user string) ([]rinca.APIKey, error)  { return nil, errStub }
func (db *DB) DeleteAPIKey(ctx context.Context, id string) error                 { return errStub }
func (db *DB) TouchAPIKeys(ctx context.Context, used map[string]time.Time) error { return errStub }

func (db *DB) PutSession(ctx context.Context, s rinca.Session, hash [32]byte) (rinca.Session, error) {
	return s, errStub
}
func (db *DB) SessionByHash(ctx context.Context, hash [32]byte) (s rinca.Session, err error) {
	return s, errStub
}
func (db *DB) Sessions(ctx context.Context, user string) ([]rinca.Session, error) {
	return nil, errStub
}
func (db *DB) DeleteSession(ctx context.Context, id string) error                 { return errStub }
func (db *DB) DeleteSessions(ctx context.Context, user string) error              { return errStub }
func (db *DB) TouchSessions(ctx context.Context, used map[string]time.Time) error { return errStub }

func (db *DB) Setting(ctx context.Context, name string) (s rinca.Secret, err error) {
	return s, errStub
}
func (db *DB) PutSetting(ctx context.Context, name string, value rinca.Secret) error { return errStub }
func (db *DB) DeleteSetting(ctx context.Context, name string) error                  { return errStub }

func (db *DB) Mark(ctx context.Context, stack string) (m Mark, err error) { return m, errStub }
func (db *DB) Marks(ctx context.Context) ([]Mark, error)                  { return nil, errStub }
func (db *DB) PutMark(ctx context.Context, m Mark) error                  { return errStub }
func (db *DB) DeleteMark(ctx context.Context, stack string) error         { return errStub }

func (db *DB) Enqueue(ctx context.Context, u rinca.Update, idempotencyKey string) (queued rinca.Update, existed bool, err error) {
	return u, false, errStub
}
func (db *DB) ClaimNext(ctx context.Context, busy func(rinca.Target) bool) (u rinca.Update, ok bool, err error) {
	return u, false, errStub
}

// CancelQueued closes an update as canceled when it still waits; ok says
// whether it did. The update is returned as it is now.
func (db *DB) CancelQueued(ctx context.Context, id string) (u rinca.Update, ok bool, err error) {
	return u, false, errStub
}
func (db *DB) SaveUpdate(ctx context.Context, u rinca.Update) error              { return errStub }
func (db *DB) Update(ctx context.Context, id string) (u rinca.Update, err error) { return u, errStub }
func (db *DB) Updates(ctx context.Context, f UpdateFilter) ([]rinca.Update, error) {
	return nil, errStub
}
func (db *DB) Recover(ctx context.Context) ([]rinca.Update, error) { return nil, errStub }
func (db *DB) PruneUpdates(ctx context.Context, keep UpdateRetention) (n int, err error) {
	return 0, errStub
}
func (db *DB) AppendEvents(ctx context.Context, events []rinca.Event) error { return errStub }
func (db *DB) Events(ctx context.Context, after int64, f EventFilter, limit int) ([]rinca.Event, error) {
	return nil, errStub
}
func (db *DB) LastEvent(ctx context.Context) (int64, error) { return 0, errStub }

func (db *DB) Audit(ctx context.Context, e rinca.AuditEntry) (rinca.AuditEntry, error) {
	return e, errStub
}
func (db *DB) AuditEntries(ctx context.Context, after int64, limit int) ([]rinca.AuditEntry, error) {
	return nil, errStub
}
func (db *DB) LastAudit(ctx context.Context) (int64, error)         { return 0, errStub }
func (db *DB) VerifyAudit(ctx context.Context) (n int64, err error) { return 0, errStub }
func (db *DB) Check(ctx context.Context) (r Report, err error)      { return r, errStub }

// A Report is what Check found.
type Report struct {
	Records map[string]int // by kind
	Damage  []string       // what is damaged, each named; empty when all is well
}

func (db *DB) Rewrap(ctx context.Context, both *seal.Ring) error { return errStub }
func (db *DB) Copy(ctx context.Context, path string) error       { return errStub }
func (db *DB) Checkpoint(ctx context.Context) error              { return errStub }
func (db *DB) Settle(ctx context.Context) error                  { return errStub }
