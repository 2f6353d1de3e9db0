-- What staff is told apart from single events: in digests, in the morning, when somebody is away.
-- The same tables stand in migrations/postgres/0003_escalation.sql; a test compares them.

-- What somebody has to be told, until it is told: in a mail of its own, or in a digest. Each is told once.
CREATE TABLE matter (
    id          INTEGER PRIMARY KEY,
    recipient   TEXT NOT NULL,
    lead_id     BIGINT NOT NULL REFERENCES lead (id),
    clock_id    BIGINT REFERENCES sla_clock (id),
    unique_key  TEXT NOT NULL UNIQUE,    -- what makes a second one of this kind impossible
    class       TEXT NOT NULL,
    template    TEXT NOT NULL,
    level       TEXT,
    body        TEXT,                    -- the values of its mail: personal, and gone once it is told
    own         BOOLEAN NOT NULL,        -- it is about the recipient's own lead
    urgent      BOOLEAN NOT NULL,
    found_late  BOOLEAN NOT NULL,        -- it fell due while nobody looked
    state       TEXT NOT NULL CHECK (state IN ('new', 'waiting', 'told', 'settled')),
    noted_at    BIGINT NOT NULL,
    due_at      BIGINT NOT NULL,
    counted_on  BIGINT,                  -- the day of the recipient's budget, days since 1970-01-01
    outbox_id   BIGINT REFERENCES outbox (id)
);
CREATE INDEX matter_due ON matter (due_at, recipient) WHERE state IN ('new', 'waiting');
CREATE INDEX matter_untold ON matter (recipient, id) WHERE state IN ('new', 'waiting');
CREATE INDEX matter_lead ON matter (lead_id);
CREATE INDEX matter_clock ON matter (clock_id) WHERE clock_id IS NOT NULL;
CREATE INDEX matter_counted ON matter (recipient, counted_on) WHERE counted_on IS NOT NULL;

-- When the daemon turns to a rep the next time, one row for each purpose.
CREATE TABLE appointment (
    rep     TEXT NOT NULL,
    purpose TEXT NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (rep, purpose)
);
CREATE INDEX appointment_due ON appointment (purpose, at, rep);
