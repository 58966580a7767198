package main

import (
	"fmt"
	"os"
	"path/filepath"

	"postern/internal/pages"
	"postern/internal/render"
	"postern/internal/yamldoc"
)

// brandConfig is whose door it is.
type brandConfig struct {
	// Name is the name that visitors read on the pages and in the messages of the door.
	Name string `yaml:"name"`
	// Logo is an SVG or PNG file of at most 128 KiB that is shown in place of the name.
	Logo string `yaml:"logo"`
	// Accent is the colour of buttons and links, such as "#1d5c56"; its contrast with the pages is at least 4.5.
	Accent string `yaml:"accent"`
	// AccentDark is the same for dark screens; a lighter one of accent if it is not said.
	AccentDark string `yaml:"accent_dark"`
}

// UnmarshalYAMLDoc reads a text alone as the name.
func (b *brandConfig) UnmarshalYAMLDoc(n *yamldoc.Node) yamldoc.Diagnostics {
	if n.Kind() == yamldoc.Text {
		b.Name = n.Text()
		return nil
	}
	type plain brandConfig
	return yamldoc.Decode(n, (*plain)(b))
}

// brand reads the logo and checks the whole.
func (c config) brand() (pages.Brand, error) {
	said := c.Web.Brand
	brand := pages.Brand{Name: said.Name, Accent: said.Accent, AccentDark: said.AccentDark}
	if said.Logo != "" {
		path := said.Logo
		if !filepath.IsAbs(path) {
			path = filepath.Join(c.folder, path)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return brand, fmt.Errorf("logo: %w", err)
		}
		if len(data) == 0 {
			return brand, fmt.Errorf("logo: %s is empty", said.Logo)
		}
		brand.Logo = data
	}
	return brand, brand.Check()
}

// letterhead is the brand as messages speak of it. What is wrong with it is told where the pages need it.
func (c config) letterhead() render.Brand {
	brand, err := c.brand()
	if err != nil {
		return render.Brand{Name: c.Web.Brand.Name}
	}
	head := render.Brand{Name: brand.Name}
	head.Color, head.OnIt, head.Dark, head.OnDark = brand.Colours()
	if base, err := c.base(); err == nil && brand.LogoPath() != "" {
		head.Logo = base.String() + brand.LogoPath()
	}
	return head
}
