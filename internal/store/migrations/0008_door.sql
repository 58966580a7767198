-- +goose Up

-- What a link is bound to beside its token. Links with the same counts share their uses.
ALTER TABLE links ADD COLUMN counts BLOB;
ALTER TABLE links ADD COLUMN opened INTEGER; -- NULL: never
ALTER TABLE links ADD COLUMN locked INTEGER; -- NULL while it is not
ALTER TABLE links ADD COLUMN bound BLOB;     -- keyed hash of the only browser's cookie
ALTER TABLE links ADD COLUMN external BLOB;  -- keyed hash of the external id its record had
ALTER TABLE links ADD COLUMN audience BLOB;  -- keyed hash of the address it was sent to
ALTER TABLE links ADD COLUMN delivery BLOB;  -- the message that carries it
CREATE INDEX links_counts ON links (counts) WHERE counts IS NOT NULL;

-- How often something happened of late: see links.Limit.
CREATE TABLE limits (
    key   TEXT    PRIMARY KEY,
    times BLOB    NOT NULL, -- milliseconds, 8 bytes each, the earliest first
    until INTEGER NOT NULL  -- after which they count no more
) STRICT, WITHOUT ROWID;
CREATE INDEX limits_until ON limits (until);

-- What operators had done to a link, and why.
CREATE TABLE link_notes (
    link BLOB    NOT NULL,
    at   INTEGER NOT NULL,
    text TEXT    NOT NULL,
    PRIMARY KEY (link, at, text)
) STRICT, WITHOUT ROWID;

-- Second factors: what was asked for, what was guessed, what was proved.
CREATE TABLE challenges (
    flow    BLOB    NOT NULL REFERENCES flows (id),
    factor  TEXT    NOT NULL,
    id      BLOB    NOT NULL, -- what the code is derived from: another one with each new code
    link    BLOB    NOT NULL,
    kind    TEXT    NOT NULL,
    action  TEXT    NOT NULL,
    key_id  TEXT    NOT NULL,
    digits  INTEGER NOT NULL,
    way     TEXT    NOT NULL,
    mail    BLOB,             -- keyed hash of a mailed token
    made    INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    tries   INTEGER NOT NULL, -- since the last wait
    waits   INTEGER NOT NULL,
    until   INTEGER,          -- of the wait
    carried INTEGER,          -- when another browser followed the mailed link
    proved  INTEGER,          -- when it was answered rightly: kept because a button may be pressed twice
    PRIMARY KEY (flow, factor)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX challenges_mail ON challenges (mail) WHERE mail IS NOT NULL;

CREATE TABLE guesses (
    id        BLOB    PRIMARY KEY,
    link      BLOB    NOT NULL,
    principal TEXT    NOT NULL, -- whose it is counted with, and the factor
    wrong     INTEGER NOT NULL, -- 1 until it proved right
    forgiven  INTEGER NOT NULL, -- 1 when an operator unlocked the link since
    at        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX guesses_link ON guesses (link, at);
CREATE INDEX guesses_principal ON guesses (principal, at) WHERE wrong = 1;

CREATE TABLE grants (
    visitor BLOB    NOT NULL, -- as in flows
    factor  TEXT    NOT NULL,
    module  TEXT    NOT NULL,
    record  TEXT    NOT NULL,
    given   INTEGER NOT NULL,
    seen    INTEGER NOT NULL,
    PRIMARY KEY (visitor, factor)
) STRICT, WITHOUT ROWID;
CREATE INDEX grants_given ON grants (given);
CREATE INDEX flows_visitor ON flows (visitor);

-- How much is guessed on all links, in stretches of five minutes since 1970.
CREATE TABLE tallies (
    slot       INTEGER PRIMARY KEY,
    challenges INTEGER NOT NULL,
    wrong      INTEGER NOT NULL
) STRICT;

-- What an act made beside writing its record, what stood there before (null: it cannot be taken back), and when that
-- was done.
ALTER TABLE visits ADD COLUMN entries TEXT NOT NULL DEFAULT 'null';
ALTER TABLE visits ADD COLUMN before TEXT NOT NULL DEFAULT 'null';
ALTER TABLE visits ADD COLUMN undone INTEGER; -- NULL while it stands

-- Files that visitors sent and an act kept. Their content comes before them, in sealed pieces.
CREATE TABLE files (
    id      BLOB    PRIMARY KEY,
    link    BLOB    NOT NULL,
    module  TEXT    NOT NULL,
    record  TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    type    TEXT    NOT NULL,
    size    INTEGER NOT NULL,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE file_pieces (
    file   BLOB    NOT NULL,
    number INTEGER NOT NULL,
    sealed BLOB    NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (file, number)
) STRICT; -- rows are long, so they have a row number

-- Tokens of earlier generations of links: they open nothing, and are known.
CREATE TABLE old_tokens (
    key_id TEXT NOT NULL,
    digest BLOB NOT NULL,
    link   BLOB NOT NULL REFERENCES links (id),
    PRIMARY KEY (key_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX old_tokens_link ON old_tokens (link);
