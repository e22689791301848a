package export

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rinca/internal/rinca"
)

// memory is a vault in memory that counts requests as Connect does.
type memory struct {
	mu       sync.Mutex
	vault    rinca.Vault
	items    []rinca.Item
	requests int
	made     int
	// fail, when set, may answer a request: "vaults", "items", "get <id>".
	fail func(what string) error
}

func newMemory() *memory {
	return &memory{vault: rinca.Vault{ID: strings.Repeat("v", 26), Name: "homelab", ContentVersion: 1}}
}

func (m *memory) Requests() int { m.mu.Lock(); defer m.mu.Unlock(); return m.requests }

func (m *memory) ask(what string) error {
	m.requests++
	if m.fail != nil {
		return m.fail(what)
	}
	return nil
}

func (m *memory) Vaults(context.Context) ([]rinca.Vault, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.ask("vaults"); err != nil {
		return nil, err
	}
	return []rinca.Vault{m.vault}, nil
}

func (m *memory) Items(_ context.Context, id string) ([]rinca.Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.ask("items"); err != nil {
		return nil, err
	}
	if id != m.vault.ID {
		return nil, rinca.Errorf(rinca.NotFound, "vault %s not found", id)
	}
	infos := make([]rinca.Info, len(m.items))
	for i, item := range m.items {
		infos[i] = item.Info
	}
	return infos, nil
}

func (m *memory) Get(_ context.Context, _ string, ids ...string) ([]rinca.Item, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := make(map[string]int, len(m.items))
	for i := range m.items {
		at[m.items[i].ID] = i
	}
	var items []rinca.Item
	for _, id := range ids {
		if err := m.ask("get " + id); err != nil {
			return nil, err
		}
		i, ok := at[id]
		if !ok {
			return nil, rinca.Errorf(rinca.NotFound, "item %s not found", id)
		}
		items = append(items, m.items[i])
	}
	return items, nil
}

func (m *memory) ReadFile(context.Context, string, string, string) (rinca.Secret, error) {
	return rinca.Secret{}, errors.New("nobody asks for files")
}

// put creates or replaces an item: "K=V" pairs in order; "K" alone has no value.
func (m *memory) put(title string, tags []string, pairs ...string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var fields []rinca.Field
	for i, p := range pairs {
		k, v, ok := strings.Cut(p, "=")
		f := rinca.Field{ID: fmt.Sprintf("f%d", i), Type: rinca.TypeConcealed, Label: k}
		if ok {
			f.Value = rinca.NewSecret(v)
		}
		fields = append(fields, f)
	}
	for i := range m.items {
		if it := &m.items[i]; it.Title == title && slices.Equal(it.Tags, tags) {
			it.Fields = fields
			m.touch(it)
			return it.ID
		}
	}
	m.made++
	it := rinca.Item{Info: rinca.Info{
		ID: fmt.Sprintf("i%025d", m.made), VaultID: m.vault.ID, Title: title, Tags: tags,
	}, Fields: fields}
	m.touch(&it)
	m.items = append(m.items, it)
	return it.ID
}

// edit changes an item as one write.
func (m *memory) edit(id string, change func(*rinca.Item)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.items {
		if m.items[i].ID == id {
			change(&m.items[i])
			m.touch(&m.items[i])
		}
	}
}

func (m *memory) drop(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.items = slices.DeleteFunc(m.items, func(i rinca.Item) bool { return i.ID == id })
	m.vault.ContentVersion++
}

func (m *memory) touch(it *rinca.Item) {
	it.Version++
	m.vault.ContentVersion++
	it.UpdatedAt = time.Date(2026, 11, 23, 0, 0, int(m.vault.ContentVersion), 0, time.UTC)
	m.vault.UpdatedAt = it.UpdatedAt
}

// bench is an exporter of a memory vault to a temporary directory.
type testbed struct {
	*testing.T
	vault *memory
	dest  string
	e     *Exporter
	req   Request
}

func newTestbed(t *testing.T) *testbed {
	t.Helper()
	m := newMemory()
	b := &testbed{T: t, vault: m, dest: filepath.Join(t.TempDir(), "secrets")}
	b.e = &Exporter{Provider: m, Now: time.Now, Wait: 5 * time.Second}
	b.req = Request{Vault: "homelab", Dest: b.dest}
	return b
}

// export runs one, and returns it in short: "stack/title action drift".
func (b *testbed) export() (string, error) {
	p, err := b.e.Export(b.Context(), b.req)
	return b.short(p), join(err, p)
}

func (b *testbed) plan() (string, error) {
	p, err := b.e.Plan(b.Context(), b.req)
	return b.short(p), join(err, p)
}

func join(err error, p *Plan) error {
	if err != nil || p == nil {
		return err
	}
	for _, s := range p.Stacks {
		if s.Err != nil && len(p.Stacks) == 1 {
			return s.Err
		}
	}
	return p.Err()
}

func (b *testbed) short(p *Plan) string {
	if p == nil {
		return ""
	}
	var lines []string
	for _, s := range p.Stacks {
		for _, f := range s.Files {
			line := s.Name + "/" + f.Title + " " + string(f.Action)
			for _, extra := range []string{f.Drift, f.Change} {
				if extra != "" {
					line += " (" + extra + ")"
				}
			}
			lines = append(lines, line)
		}
		if s.Err != nil {
			lines = append(lines, s.Name+" failed")
		}
	}
	return strings.Join(lines, "; ")
}

// must exports, and wants that short result.
func (b *testbed) must(want string) {
	b.Helper()
	got, err := b.export()
	if err != nil {
		b.Fatalf("export: %v", err)
	}
	if got != want {
		b.Fatalf("export did\n  %s\nwant\n  %s", got, want)
	}
}

func (b *testbed) file(name string) string {
	b.Helper()
	data, err := os.ReadFile(filepath.Join(b.dest, name))
	if err != nil {
		b.Fatal(err)
	}
	return string(data)
}

func (b *testbed) write(name, content string) {
	b.Helper()
	path := filepath.Join(b.dest, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		b.Fatal(err)
	}
}

// tree describes everything under the destination, with inodes and times, so
// that any write shows.
func (b *testbed) tree() string {
	b.Helper()
	var lines []string
	err := filepath.Walk(b.dest, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		lines = append(lines, fmt.Sprintf("%s %+v", path, statOf(info)))
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// newItem makes the item number i of many.
func newItem(m *memory, i int) rinca.Item {
	it := rinca.Item{Info: rinca.Info{
		ID: fmt.Sprintf("i%025d", i), VaultID: m.vault.ID, Title: fmt.Sprintf("f%d.env", i%3),
		Tags: []string{fmt.Sprintf("stack:s%05d", i/3)}, Version: 1, UpdatedAt: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
	}}
	for k := range 12 {
		it.Fields = append(it.Fields, rinca.Field{ID: fmt.Sprint(k), Label: fmt.Sprintf("KEY_%d", k), Value: rinca.NewSecret(fmt.Sprintf("value %d of %d", k, i))})
	}
	return it
}
