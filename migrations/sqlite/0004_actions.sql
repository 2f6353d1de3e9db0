-- Every mail that came in by `nurtured ingest`: none acts twice, and what nobody understood is kept for a person.
CREATE TABLE inbound_mail (
    id          INTEGER PRIMARY KEY,
    identity    TEXT NOT NULL UNIQUE,    -- a hash of Message-ID, sender, date and text
    received_at BIGINT NOT NULL,
    result      TEXT NOT NULL CHECK (result IN ('done', 'refused', 'kept')),
    why         TEXT NOT NULL,           -- what was done, or why nothing was; no personal text
    raw         BLOB                     -- the mail itself, when it is kept: personal, so it can be erased
);
CREATE INDEX inbound_mail_kept ON inbound_mail (id) WHERE result = 'kept';
