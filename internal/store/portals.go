package store

// Portals is the store as portals use it.
type Portals struct{ store *Store }

// Portals is the same store, for portals.
func (s *Store) Portals() *Portals { return &Portals{store: s} }
