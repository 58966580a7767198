-- People who sign in to a portal. Nothing here lets anybody in by itself: tokens, cookies and codes are kept as hashes,
-- verifiers of passwords and secrets of authenticators sealed under a key that is not in the database.

-- +goose Up

-- Sessions, by the hash of their token.
CREATE TABLE portal_sessions (
    id      BLOB    PRIMARY KEY,
    token   BLOB    NOT NULL UNIQUE,
    portal  TEXT    NOT NULL,
    module  TEXT    NOT NULL, -- the subject's
    subject TEXT    NOT NULL,
    epoch   INTEGER NOT NULL,
    began   INTEGER NOT NULL,
    proved  INTEGER NOT NULL,
    seen    INTEGER NOT NULL,
    ends    INTEGER NOT NULL, -- in any case
    method  TEXT    NOT NULL,
    second  INTEGER NOT NULL, -- 1 if a second factor was proved
    agent   TEXT    NOT NULL,
    address TEXT    NOT NULL  -- masked
) STRICT, WITHOUT ROWID;
CREATE INDEX portal_sessions_subject ON portal_sessions (portal, module, subject, seen);
