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
