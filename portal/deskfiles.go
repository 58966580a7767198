package portal

import "postern/engine"

// wantFile takes what Stage returned for a file field.
func (d *Desk) wantFile(_ Viewer, _ *wishes, field *engine.Field, _ any) error {
	return malformed(CodeValue, field.Name)
}
