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
CREATE INDEX suppressions_until ON suppressions (until) WHERE until IS NOT NULL;

-- What channels heard, so that nothing is taken in twice.
CREATE TABLE heard (
    channel TEXT    NOT NULL,
    key     TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (channel, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX heard_at ON heard (at);

-- Reports that came before the try of their delivery had settled.
CREATE TABLE kept_reports (
    about    BLOB    NOT NULL, -- the delivery, or channel and name of the provider's message
    channel  TEXT    NOT NULL,
    key      TEXT    NOT NULL,
    report   TEXT    NOT NULL,
    happened INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (about, channel, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX kept_reports_at ON kept_reports (at);

-- Addresses that messages went to by channels on which people reply, and when each last wrote to us.
CREATE TABLE conversations (
    channel  TEXT    NOT NULL,
    address  BLOB    NOT NULL, -- keyed hash
    delivery BLOB,             -- the last one to the address; NULL for none
    module   TEXT    NOT NULL, -- and its record
    record   TEXT    NOT NULL,
    heard    INTEGER,          -- NULL: never
    at       INTEGER NOT NULL, -- when either happened last
    PRIMARY KEY (channel, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX conversations_at ON conversations (at);

-- The name by which the provider of a channel speaks of a message.
ALTER TABLE deliveries ADD COLUMN provider_id TEXT;
CREATE INDEX deliveries_provider ON deliveries (provider_id, channel) WHERE provider_id IS NOT NULL;
