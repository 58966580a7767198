package pages

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"iter"
	"maps"
	"net/http"
)

// Where below the base address the parts serve the files beside their pages.
const (
	DoorAssets   = "/assets/"
	PortalAssets = "/portal/assets/"
)

//go:embed files
var files embed.FS

// Site is what the pages of a part have around them: the brand, the stylesheet, and the files that pages load.
type Site struct {
	brand  string                  // name of it
	folder string                  // that assets are served under
	style  string                  // path of the stylesheet
	icon   string                  // and so on
	logo   string                  // "" for none
	assets map[string]http.Handler // by path
}

// NewSite dresses a site in a brand; its files are served under a folder such as DoorAssets. What else is built into
// the program, so another error than one of the brand is a mistake in the program.
func NewSite(brand Brand, folder string) (*Site, error) {
	if err := brand.Check(); err != nil {
		return nil, fmt.Errorf("brand: %w", err)
	}
	s := &Site{brand: brand.Name, folder: folder, assets: map[string]http.Handler{}}
	style, err := files.ReadFile("files/style.css")
	if err != nil {
		return nil, fmt.Errorf("read stylesheet: %w", err)
	}
	icon, err := files.ReadFile("files/icon.svg")
	if err != nil {
		return nil, fmt.Errorf("read icon: %w", err)
	}
	s.style = s.Add(append(style, brand.style()...), ".css", "text/css; charset=utf-8")
	s.icon = s.Add(brand.icon(icon), ".svg", "image/svg+xml")
	if media, err := logoType(brand.Logo); err == nil {
		s.logo = s.Add(brand.Logo, "", media)
	}
	return s, nil
}

// Add serves a file under a name made of its content, so that browsers may keep it for ever.
func (s *Site) Add(data []byte, suffix, mediaType string) (path string) {
	path = assetPath(s.folder, data, suffix)
	s.assets[path] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		_, _ = w.Write(data)
	})
	return path
}

// Assets are the files by the path that each is to be served at, with GET.
func (s *Site) Assets() iter.Seq2[string, http.Handler] { return maps.All(s.assets) }

// assetPath is a name made of a file's content.
func assetPath(folder string, data []byte, suffix string) string {
	sum := sha256.Sum256(data)
	return folder + hex.EncodeToString(sum[:8]) + suffix
}
