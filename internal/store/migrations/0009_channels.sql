-- +goose Up

-- Addresses that get nothing more, by a keyed hash of them.
CREATE TABLE suppressions (
    channel TEXT    NOT NULL,
    address BLOB    NOT NULL, -- keyed hash
    list    TEXT    NOT NULL, -- a workflow; '' for all messages
    masked  TEXT    NOT NULL,
    reason  TEXT    NOT NULL,
    detail  TEXT    NOT NULL,
    by      TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    until   INTEGER,          -- NULL for good
    PRIMARY KEY (channel, address, list)
) STRICT, WITHOUT ROWID;
