package api

import "sync"

// lists keeps answers that many ask for, encoded and compressed, for as long
// as nothing has changed. An answer is kept for one caller, or for all
// administrators, since the rights of a caller decide what is in it; a change
// of rights is a change as well.
type lists struct {
	making   sync.Mutex // one at a time: after a change, many ask at once
	mu       sync.RWMutex
	revision int64
	answers  map[listKey]encoded
	size     int
}

type listKey struct{ list, user, key, session string }

// maxLists bounds the memory of all kept answers, in bytes.
const maxLists = 64 << 20

func newLists() *lists { return &lists{answers: map[listKey]encoded{}} }

// get returns the answer that make would return, kept if possible.
func (l *lists) get(s *Server, r *request, list string, make func() (any, error)) (any, error) {
	key := listKey{list: list}
	if who := r.who; !who.User.Admin || who.Scope != nil || who.Session != nil && who.Session.ChangeOnly || who.User.Disabled {
		key.user, key.key = who.User.Name, who.KeyID
		if who.Session != nil {
			key.session = who.Session.ID
		}
	}
	if kept, ok := l.kept(key, s.cfg.DB.Revision()); ok {
		return kept, nil
	}
	l.making.Lock()
	defer l.making.Unlock()
	// What is read after this may be newer, and never older.
	revision := s.cfg.DB.Revision()
	if kept, ok := l.kept(key, revision); ok {
		return kept, nil
	}
	v, err := make()
	if err != nil {
		return nil, err
	}
	data, err := encode(v)
	if err != nil {
		return nil, err
	}
	out := encoded{plain: data, etag: etag(data)}
	if len(data) >= shortest {
		out.zipped = zip(data)
	}
	l.keep(key, revision, out)
	return out, nil
}

func (l *lists) kept(key listKey, revision int64) (encoded, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	kept, ok := l.answers[key]
	return kept, ok && l.revision == revision
}

func (l *lists) keep(key listKey, revision int64, out encoded) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if revision < l.revision {
		return
	}
	size := len(out.plain) + len(out.zipped)
	if revision > l.revision || l.size+size > maxLists {
		l.revision, l.answers, l.size = revision, map[listKey]encoded{}, 0
	}
	if size <= maxLists {
		old := l.answers[key]
		l.size += size - len(old.plain) - len(old.zipped)
		l.answers[key] = out
	}
}
