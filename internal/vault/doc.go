// Package vault turns names into values: it finds vaults, items and fields by
// what people call them, resolves secret references in bulk, and renders
// templates. It sees every kind of vault through rinca.Provider alone.
package vault
