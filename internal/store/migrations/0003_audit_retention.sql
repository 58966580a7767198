-- +goose Up

-- What somebody may have to answer for, each entry chained to the one before. No addresses, no values.
CREATE TABLE audit (
    seq     INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    actor   TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    detail  TEXT    NOT NULL,
    hash    BLOB    NOT NULL
) STRICT;

-- Signatures under the audit as far as an entry. Entries up to one may be removed.
CREATE TABLE seals (
    seq       INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,
    hash      BLOB    NOT NULL,
    signature BLOB    NOT NULL
) STRICT;

-- Keys of runs whose history has been removed: the same event must not start the same workflow again.
CREATE TABLE run_keys (
    key BLOB    PRIMARY KEY,
    at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX run_keys_at ON run_keys (at);

-- Links are removed some time after they have expired.
CREATE INDEX links_expires ON links (expires);
