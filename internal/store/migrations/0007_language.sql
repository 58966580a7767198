-- +goose Up

-- Calls of web services are effects too: of a host, and not of the CRM. What they send and are answered lies sealed.
ALTER TABLE effects ADD COLUMN host TEXT NOT NULL DEFAULT '';
ALTER TABLE effects ADD COLUMN sealed BLOB;
ALTER TABLE effects ADD COLUMN answer BLOB;
DROP INDEX effects_due;
CREATE INDEX effects_due ON effects (host, due) WHERE state = 'planned' AND behind = 0;

-- What a workflow remembers beyond its runs: that one succeeded, the values with which one last began.
CREATE TABLE memories (
    workflow TEXT NOT NULL,
    kind     TEXT NOT NULL,
    key      TEXT NOT NULL,
    value    TEXT NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (workflow, kind, key)
) WITHOUT ROWID;

-- Which kept records are joined, each pair once: the record whose module/id comes first in the order of bytes, and the
-- other one.
CREATE TABLE relations (
    module       TEXT    NOT NULL,
    id           TEXT    NOT NULL,
    other_module TEXT    NOT NULL,
    other_id     TEXT    NOT NULL,
    stands       INTEGER NOT NULL,
    written      TEXT    NOT NULL, -- the event by which we told it, until it has come back; '' for none
    PRIMARY KEY (module, id, other_module, other_id)
) STRICT, WITHOUT ROWID;

-- Triggers that go by time, and where each stands: when it is due, and how far it has walked over records.
CREATE TABLE timings (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    workflow TEXT    NOT NULL,
    key      TEXT    NOT NULL, -- what the trigger says, by content
    next     INTEGER,          -- NULL: never again
    walk     TEXT    NOT NULL, -- 'null' while none is under way
    UNIQUE (workflow, key)
) STRICT;

-- Moments at which a date of a record starts a workflow: one for a trigger and a record that has such a date ahead.
CREATE TABLE alarms (
    timing INTEGER NOT NULL, -- the trigger's number
    record TEXT    NOT NULL,
    value  TEXT    NOT NULL, -- the date when it was armed
    due    INTEGER NOT NULL,
    PRIMARY KEY (timing, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX alarms_due ON alarms (due);

-- Events of a burst, until it is over and one run begins on the last of them.
CREATE TABLE windows (
    workflow TEXT    NOT NULL,
    key      TEXT    NOT NULL,
    due      INTEGER NOT NULL,
    count    INTEGER NOT NULL,
    body     TEXT    NOT NULL, -- the events, and what the fields were before them
    PRIMARY KEY (workflow, key)
) STRICT;
CREATE INDEX windows_due ON windows (due);
