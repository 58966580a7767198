-- +goose Up

-- What parked runs wait for: one row with an empty topic for a time, one for each topic. A row is due when its time
-- has come or its topic was touched.
CREATE TABLE waits (
    run       BLOB    NOT NULL,
    topic     TEXT    NOT NULL,
    partition INTEGER NOT NULL, -- of the run
    due       INTEGER,          -- NULL: not by itself
    marks     INTEGER NOT NULL, -- how often the topic was touched
    PRIMARY KEY (run, topic)
) STRICT, WITHOUT ROWID;
CREATE INDEX waits_due ON waits (due, run) WHERE due IS NOT NULL;
CREATE INDEX waits_topic ON waits (topic) WHERE topic <> '';

CREATE INDEX runs_parked ON runs (state, workflow) WHERE state IN ('writing', 'retrying', 'waiting', 'held');

-- Writes to a CRM outside of this database. The number is the order in which they were asked for.
CREATE TABLE effects (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    id        BLOB    NOT NULL UNIQUE,
    run       BLOB    NOT NULL,
    partition INTEGER NOT NULL, -- of the record that is written to
    workflow  TEXT    NOT NULL,
    step      TEXT    NOT NULL,
    round     INTEGER NOT NULL,
    module    TEXT    NOT NULL,
    record    TEXT    NOT NULL, -- '' for one that is to be made
    ask       TEXT    NOT NULL, -- the write or the new record
    state     TEXT    NOT NULL,
    behind    INTEGER NOT NULL, -- 1 while an older one of its record is not over
    doubtful  INTEGER NOT NULL,
    attempts  INTEGER NOT NULL,
    due       INTEGER NOT NULL,
    until     INTEGER,
    retry     TEXT    NOT NULL,
    reason    TEXT    NOT NULL,
    result    TEXT    NOT NULL,
    history   TEXT    NOT NULL,
    created   INTEGER NOT NULL,
    updated   INTEGER NOT NULL
) STRICT;
CREATE INDEX effects_run ON effects (run);
CREATE INDEX effects_open ON effects (module, record, number) WHERE state IN ('planned', 'sending');
CREATE INDEX effects_due ON effects (due) WHERE state = 'planned' AND behind = 0;

-- '' resends where the provider knows a message by its key, and holds else.
ALTER TABLE deliveries ADD COLUMN on_unknown TEXT NOT NULL DEFAULT '';
