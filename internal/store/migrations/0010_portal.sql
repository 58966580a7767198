-- People who sign in to a portal. Nothing here lets anybody in by itself: tokens, cookies and codes are kept as hashes,
-- verifiers of passwords and secrets of authenticators sealed under a key that is not in the database.

-- +goose Up

-- What somebody asked for who gave a name and proved nothing, until it is looked at.
CREATE TABLE portal_askings (
    id     BLOB    PRIMARY KEY,
    portal TEXT    NOT NULL,
    what   TEXT    NOT NULL,
    sealed BLOB    NOT NULL, -- the name
    at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Links into a portal that were made before this open nothing any more.
CREATE TABLE portal_links (
    portal  TEXT    NOT NULL,
    module  TEXT    NOT NULL, -- the subject's
    subject TEXT    NOT NULL,
    since   INTEGER NOT NULL,
    PRIMARY KEY (portal, module, subject)
) STRICT, WITHOUT ROWID;

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
CREATE INDEX portal_sessions_ends ON portal_sessions (ends);

-- What is kept of subjects beside their records.
CREATE TABLE portal_accounts (
    portal   TEXT    NOT NULL,
    module   TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    epoch    INTEGER NOT NULL, -- sessions of an earlier one are over
    disabled INTEGER,          -- by an operator
    mech     TEXT    NOT NULL, -- how the verifier was made; '' without a password
    verifier BLOB,             -- sealed
    password INTEGER,          -- when it was set
    known    BLOB,             -- sealed: the mail address that they had then
    PRIMARY KEY (portal, module, subject)
) STRICT, WITHOUT ROWID;

-- Sign-ins that wait for a proof, by the hash of their nonce. Each is taken once.
CREATE TABLE portal_challenges (
    nonce   BLOB    PRIMARY KEY,
    sealed  BLOB    NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX portal_challenges_expires ON portal_challenges (expires);

-- Browsers that subjects signed in from, by the hash of their token.
CREATE TABLE portal_devices (
    id      BLOB    PRIMARY KEY,
    token   BLOB    NOT NULL UNIQUE,
    portal  TEXT    NOT NULL,
    module  TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    first   INTEGER NOT NULL,
    seen    INTEGER NOT NULL,
    agent   TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX portal_devices_subject ON portal_devices (portal, module, subject);

-- Passwords tried in vain, by the keyed hash of the name, or the hash of a browser's token.
CREATE TABLE portal_lanes (
    lane  BLOB    PRIMARY KEY,
    wrong INTEGER NOT NULL,
    until INTEGER,
    last  INTEGER NOT NULL,
    told  INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX portal_lanes_last ON portal_lanes (last);

-- What programs sign in with.
CREATE TABLE portal_app_keys (
    id      BLOB    PRIMARY KEY,
    portal  TEXT    NOT NULL,
    client  TEXT    NOT NULL,
    module  TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    sealed  BLOB    NOT NULL,
    made    INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    used    INTEGER,
    revoked INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX portal_app_keys_client ON portal_app_keys (portal, client);

-- Passkeys. Nothing of one is secret.
CREATE TABLE portal_passkeys (
    id         BLOB    PRIMARY KEY,
    portal     TEXT    NOT NULL,
    module     TEXT    NOT NULL, -- the holder's
    subject    TEXT    NOT NULL,
    handle     BLOB    NOT NULL, -- what the holder's devices know them by
    credential BLOB    NOT NULL,
    public     BLOB    NOT NULL,
    name       TEXT    NOT NULL,
    signs      INTEGER NOT NULL,
    added      INTEGER NOT NULL,
    used       INTEGER,
    UNIQUE (portal, credential)
) STRICT, WITHOUT ROWID;
CREATE INDEX portal_passkeys_holder ON portal_passkeys (portal, module, subject);

-- Authenticators, one of a holder.
CREATE TABLE portal_authenticators (
    portal  TEXT    NOT NULL,
    module  TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    secret  BLOB    NOT NULL, -- sealed
    step    INTEGER NOT NULL, -- the last one that was accepted
    added   INTEGER NOT NULL,
    PRIMARY KEY (portal, module, subject)
) STRICT, WITHOUT ROWID;

-- Recovery codes that are left, by their keyed hash.
CREATE TABLE portal_recovery_codes (
    portal  TEXT NOT NULL,
    module  TEXT NOT NULL,
    subject TEXT NOT NULL,
    code    BLOB NOT NULL,
    PRIMARY KEY (portal, module, subject, code)
) STRICT, WITHOUT ROWID;

-- What was begun in a browser and is finished once.
CREATE TABLE portal_ceremonies (
    token   BLOB    PRIMARY KEY,
    kind    TEXT    NOT NULL,
    portal  TEXT    NOT NULL,
    module  TEXT    NOT NULL, -- '' where nobody has said yet who they are
    subject TEXT    NOT NULL,
    binding BLOB,
    state   BLOB    NOT NULL, -- sealed
    ends    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX portal_ceremonies_ends ON portal_ceremonies (ends);

-- Sign-ins that a second step is missing of.
CREATE TABLE portal_pending (
    token   BLOB    PRIMARY KEY,
    portal  TEXT    NOT NULL,
    module  TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    epoch   INTEGER NOT NULL,
    method  TEXT    NOT NULL,
    next    TEXT    NOT NULL,
    lanes   BLOB    NOT NULL, -- their digests, one after the other
    link    BLOB,
    cause   TEXT    NOT NULL,
    ends    INTEGER NOT NULL,
    tries   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX portal_pending_ends ON portal_pending (ends);

-- What was done under the Idempotency-Keys of the last day. A key and what was asked for are hashes.
CREATE TABLE portal_writes (
    key    BLOB    PRIMARY KEY,
    body   BLOB    NOT NULL,
    change BLOB    NOT NULL,
    module TEXT    NOT NULL,
    record TEXT    NOT NULL, -- '' where another CRM makes it
    at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX portal_writes_at ON portal_writes (at);

-- A relation is found from its other end too.
CREATE INDEX relations_other ON relations (other_module, other_id, module, id);
