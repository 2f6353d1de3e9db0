-- What sales gives back, what marketing has to look at, and records that turned out to be one person.

-- A lead that a rep gave back: why, and what marketing said to it. What was said in words is the text of the event,
-- which stays as long as the log, so nothing has to look whether it is still needed.
CREATE TABLE given_back (
    id               INTEGER PRIMARY KEY,
    hand_off_id      BIGINT NOT NULL UNIQUE REFERENCES hand_off (id),
    lead_id          BIGINT NOT NULL REFERENCES lead (id),
    stage            TEXT NOT NULL CHECK (stage IN ('rejected', 'lost')),
    reason           TEXT NOT NULL,
    at               BIGINT NOT NULL,
    event_id         BIGINT NOT NULL,
    same_rep         BOOLEAN NOT NULL,     -- whoever had it is asked first the next time
    disputed_at      BIGINT,
    disputed_by      TEXT,
    dispute_event_id BIGINT,
    settled_at       BIGINT,
    settled_by       TEXT,
    verdict          TEXT CHECK (verdict IN ('upheld', 'overturned', 'moot')),
    CHECK ((disputed_at IS NULL) = (dispute_event_id IS NULL)),
    CHECK ((settled_at IS NULL) = (verdict IS NULL)),
    CHECK (settled_at IS NULL OR disputed_at IS NOT NULL)
);
CREATE INDEX given_back_lead ON given_back (lead_id, id);

-- What marketing has to look at: told once, in the next list.
CREATE TABLE work_item (
    id         INTEGER PRIMARY KEY,
    lead_id    BIGINT NOT NULL REFERENCES lead (id),
    reason     TEXT NOT NULL,
    event_id   BIGINT NOT NULL,
    opened_at  BIGINT NOT NULL,
    tell_at    BIGINT,                     -- when the next list is written; empty once it stands in one
    closed_at  BIGINT,
    closed_why TEXT
);
CREATE UNIQUE INDEX work_item_one_open ON work_item (lead_id) WHERE closed_at IS NULL;
CREATE INDEX work_item_lead ON work_item (lead_id);
CREATE INDEX work_item_tell ON work_item (tell_at, id) WHERE tell_at IS NOT NULL;

-- A record that turned out to be another one's double. What comes in for it is the other's.
CREATE TABLE merged_lead (
    lead_id BIGINT PRIMARY KEY REFERENCES lead (id),
    into_id BIGINT NOT NULL REFERENCES lead (id),
    at      BIGINT NOT NULL,
    CHECK (lead_id <> into_id)
);
CREATE INDEX merged_lead_into ON merged_lead (into_id);
