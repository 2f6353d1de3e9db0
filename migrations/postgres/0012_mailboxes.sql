-- Mailboxes that are read: how far each has been read, and how reading it goes.
CREATE TABLE mailbox (
    name          TEXT COLLATE "C" PRIMARY KEY,
    place         TEXT COLLATE "C" NOT NULL,         -- a hash of where it is: another place is read from its beginning
    watched_since BIGINT NOT NULL,       -- the last start of a daemon that reads it
    tried_at      BIGINT,                -- the last end of a try, good or bad
    read_at       BIGINT,                -- the last complete read
    failing_since BIGINT,
    failures      BIGINT NOT NULL,       -- tries in a row that failed
    why           TEXT COLLATE "C",                  -- what went wrong last; no personal text
    uid_validity  BIGINT,                -- IMAP: what `last_uid` is a number of
    last_uid      BIGINT NOT NULL,
    lease_token   BIGINT,                -- one daemon at a time reads it
    lease_until   BIGINT NOT NULL
);

-- The files of a Maildir that were read.
CREATE TABLE mailbox_file (
    mailbox TEXT COLLATE "C" NOT NULL REFERENCES mailbox (name),
    file    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (mailbox, file)
);

-- What leads asked for goes on while other mail waits for a mailbox to be read.
CREATE INDEX outbox_requested ON outbox (audience, due_at, id) WHERE state = 'pending' AND requested;
