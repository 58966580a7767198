package keys

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxGenerations is how many are understood at the same time: the current one and the one before.
const maxGenerations = 2

// Generations are the names of the generations, the current one last.
func (r Root) Generations() []string {
	names := make([]string, len(r.generations))
	for i, g := range r.generations {
		names[i] = string(g.id)
	}
	return names
}

// Rotate is the root with a new generation of 256 bits read from random, which is the current one from then on. A root
// that has two already is refused: the older one must be retired first.
func (r Root) Rotate(random io.Reader) (Root, error) {
	if len(r.generations) >= maxGenerations {
		return Root{}, fmt.Errorf("rotate keys: there are two generations already, %s: retire %c first",
			strings.Join(r.Generations(), " and "), r.generations[0].id)
	}
	next := generation{id: r.nextName()}
	if _, err := io.ReadFull(random, next.secret[:]); err != nil {
		return Root{}, fmt.Errorf("rotate keys: read random bits: %w", err)
	}
	return Root{generations: append(slices.Clone(r.generations), next), audit: r.audit}, nil
}

// nextName is the name after the current one's. Names come round again after 32 generations, when nothing bears the old
// one any more.
func (r Root) nextName() byte {
	current := r.generations[len(r.generations)-1].id
	return alphabet[(strings.IndexByte(alphabet, current)+1)%len(alphabet)]
}

// Retire is the root without a generation that is not the current one. What was made under it is not understood any
// more, but for the seals of the audit.
func (r Root) Retire(name string) (Root, error) {
	i := slices.Index(r.Generations(), name)
	switch {
	case i < 0:
		return Root{}, fmt.Errorf("retire keys: there is no generation %q: there is %s",
			name, strings.Join(r.Generations(), " and "))
	case i == len(r.generations)-1:
		return Root{}, fmt.Errorf("retire keys: %s is the current generation: rotate first", name)
	}
	audit, err := r.auditSeed()
	if err != nil {
		return Root{}, err
	}
	return Root{generations: slices.Delete(slices.Clone(r.generations), i, i+1), audit: audit}, nil
}

// auditSeed is what the key of the audit's seals is made of, and every key that outlives a generation.
func (r Root) auditSeed() ([]byte, error) {
	if r.audit != nil {
		return r.audit, nil
	}
	if len(r.generations) == 0 {
		return nil, errors.New("derive the audit's key: the root secret is empty")
	}
	seed, err := r.generations[0].derive(forAudit)
	if err != nil {
		return nil, fmt.Errorf("derive the audit's key: %w", err)
	}
	return seed, nil
}

// Replace writes a root in place of the one in a key file: whole, or not at all.
func Replace(path string, root Root) (err error) {
	folder := filepath.Dir(path)
	file, err := os.CreateTemp(folder, ".root.key-*") // mode 0600
	if err != nil {
		return fmt.Errorf("replace key file: %w", err)
	}
	_, err = file.WriteString(root.text())
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("replace key file: %w", err), os.Remove(file.Name()))
	}
	return syncFolder(folder)
}

// syncFolder makes a name in a folder last.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("replace key file: %w", err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return fmt.Errorf("replace key file: %w", err)
	}
	return nil
}
