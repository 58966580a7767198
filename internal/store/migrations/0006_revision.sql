-- +goose Up

-- How often a run was changed: who changes it must have seen the last change.
ALTER TABLE runs ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
