-- Ids are 16 bytes, times are Unix milliseconds in UTC, lists and objects are JSON text. A time that was never set
-- is NULL. Names are the words of the engine's glossary.

-- +goose Up

-- What the database as a whole must agree on: the number of partitions, the stream it follows.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE partitions (
    id     INTEGER PRIMARY KEY,
    owner  TEXT    NOT NULL,
    epoch  INTEGER NOT NULL, -- counts the owners: a change under an older one is refused
    cursor INTEGER NOT NULL  -- stream position up to which everything was taken in
) STRICT;

CREATE TABLE runs (
    id        BLOB    PRIMARY KEY,
    key       BLOB    NOT NULL UNIQUE, -- workflow and occasion: the same event starts a workflow once
    workflow  TEXT    NOT NULL,
    version   TEXT    NOT NULL,
    partition INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    module    TEXT    NOT NULL,
    record    TEXT    NOT NULL,
    state     TEXT    NOT NULL,
    reason    TEXT    NOT NULL,
    event     TEXT    NOT NULL,
    progress  TEXT    NOT NULL,
    history   TEXT    NOT NULL,
    created   INTEGER NOT NULL,
    updated   INTEGER NOT NULL
) STRICT;
CREATE INDEX runs_unfinished ON runs (seq) WHERE state IN ('pending', 'ready');

CREATE TABLE deliveries (
    id               BLOB    PRIMARY KEY,
    run              BLOB    NOT NULL,
    partition        INTEGER NOT NULL,
    workflow         TEXT    NOT NULL,
    version          TEXT    NOT NULL,
    step             TEXT    NOT NULL,
    channel          TEXT    NOT NULL,
    template         TEXT    NOT NULL,
    module           TEXT    NOT NULL,
    record           TEXT    NOT NULL,
    recipient_module TEXT    NOT NULL,
    recipient        TEXT    NOT NULL, -- an identity; the address is only within sealed
    masked           TEXT    NOT NULL,
    links            TEXT    NOT NULL,
    sealed           BLOB    NOT NULL,
    state            TEXT    NOT NULL,
    slot             INTEGER NOT NULL,
    attempts         INTEGER NOT NULL,
    due              INTEGER NOT NULL,
    until            INTEGER,
    retry            TEXT    NOT NULL,
    receipt          TEXT    NOT NULL,
    reason           TEXT    NOT NULL,
    history          TEXT    NOT NULL,
    created          INTEGER NOT NULL,
    updated          INTEGER NOT NULL
) STRICT;
CREATE INDEX deliveries_planned ON deliveries (due) WHERE state = 'planned';
CREATE INDEX deliveries_sending ON deliveries (slot) WHERE state = 'sending';

CREATE TABLE links (
    id               BLOB    PRIMARY KEY,
    generation       INTEGER NOT NULL,
    key_id           TEXT    NOT NULL,
    digest           BLOB    NOT NULL, -- of the token, which itself is nowhere
    landing          TEXT    NOT NULL,
    landing_version  TEXT    NOT NULL,
    preset           TEXT    NOT NULL,
    module           TEXT    NOT NULL,
    record           TEXT    NOT NULL,
    recipient_module TEXT    NOT NULL,
    recipient        TEXT    NOT NULL,
    masked           TEXT    NOT NULL,
    language         TEXT    NOT NULL,
    not_before       INTEGER,
    expires          INTEGER NOT NULL,
    max_uses         INTEGER NOT NULL,
    uses             INTEGER NOT NULL,
    revoked          INTEGER, -- NULL while it stands
    run              BLOB,    -- NULL when no run asked for it
    workflow         TEXT    NOT NULL,
    cause            TEXT    NOT NULL,
    created          INTEGER NOT NULL,
    UNIQUE (key_id, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE flows (
    id      BLOB    PRIMARY KEY,
    link    BLOB    NOT NULL REFERENCES links (id),
    visitor BLOB    NOT NULL, -- hash of the visitor's cookie
    opened  INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE visits (
    id      BLOB    PRIMARY KEY,
    flow    BLOB    NOT NULL REFERENCES flows (id),
    link    BLOB    NOT NULL REFERENCES links (id),
    name    TEXT    NOT NULL,
    key     BLOB    NOT NULL, -- hash of what was done, to know a repeat by
    fields  TEXT    NOT NULL, -- what the write set
    changed INTEGER NOT NULL, -- 1 if the record was not already so
    at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX visits_repeat ON visits (flow, key, at);

-- Rows of kept records are long, which is why these stay with a row number.
CREATE TABLE records (
    module  TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    fields  TEXT    NOT NULL,
    written TEXT    NOT NULL, -- fields we wrote whose event has not come back yet, with that event's id
    version INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    PRIMARY KEY (module, id)
) STRICT;

-- Which record has which value of a unique field, as far as Postern wrote it.
CREATE TABLE record_keys (
    module TEXT NOT NULL,
    field  TEXT NOT NULL,
    value  TEXT NOT NULL,
    id     TEXT NOT NULL,
    PRIMARY KEY (module, field, value)
) STRICT, WITHOUT ROWID;

-- Writes that were applied, by the id of their event: asked for again, they change nothing.
CREATE TABLE writes (
    event_id BLOB    PRIMARY KEY,
    at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Events of ours that are not yet in the stream. A number must never come twice, hence AUTOINCREMENT.
CREATE TABLE outbox (
    seq   INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT    NOT NULL
) STRICT;

CREATE TABLE dead_letters (
    id        BLOB    PRIMARY KEY,
    partition INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    subject   TEXT    NOT NULL,
    reason    TEXT    NOT NULL,
    body      BLOB    NOT NULL,
    at        INTEGER NOT NULL
) STRICT;

-- Files of workflow versions, by content, for runs that began with them.
CREATE TABLE versions (
    version TEXT    PRIMARY KEY,
    files   TEXT    NOT NULL,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
