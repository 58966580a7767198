-- +goose Up

-- Calls of web services are effects too: of a host, and not of the CRM. What they send and are answered lies sealed.
ALTER TABLE effects ADD COLUMN host TEXT NOT NULL DEFAULT '';
ALTER TABLE effects ADD COLUMN sealed BLOB;
ALTER TABLE effects ADD COLUMN answer BLOB;
DROP INDEX effects_due;
CREATE INDEX effects_due ON effects (host, due) WHERE state = 'planned' AND behind = 0;
