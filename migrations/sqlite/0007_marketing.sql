-- What marketing delivers, and how it keeps what it promised. The same tables stand in migrations/postgres; a test
-- compares them.

-- A qualified lead that was handed to sales, as it was then: what sales adds later does not make it more complete.
CREATE TABLE delivery (
    id            INTEGER PRIMARY KEY,
    lead_id       BIGINT NOT NULL REFERENCES lead (id),
    hand_off_id   BIGINT NOT NULL UNIQUE REFERENCES hand_off (id),
    campaign      TEXT NOT NULL,
    qualified_at  BIGINT NOT NULL,
    filled        TEXT NOT NULL           -- names of the fields that were filled
);
CREATE INDEX delivery_qualified ON delivery (qualified_at);
CREATE INDEX delivery_lead ON delivery (lead_id, hand_off_id);

-- A commitment in one period of the calendar. Days since 1970-01-01, in marketing's calendar.
CREATE TABLE commitment (
    name         TEXT NOT NULL,
    first_day    BIGINT NOT NULL,
    next_day     BIGINT NOT NULL,         -- the first day after it
    seen_day     BIGINT NOT NULL,         -- from when on it counts: the first one may be made in mid-period
    behind_since BIGINT,
    told_at      BIGINT,                  -- when this spell was told
    closed_at    BIGINT,
    PRIMARY KEY (name, first_day)
);
CREATE INDEX commitment_open ON commitment (name, next_day) WHERE closed_at IS NULL;
CREATE INDEX commitment_told ON commitment (told_at) WHERE told_at IS NOT NULL;

-- What a wake looks at at planned times, beside leads. One row a topic.
CREATE TABLE agenda (
    topic    TEXT PRIMARY KEY,
    due_at   BIGINT,                      -- empty: nothing is planned under this playbook
    done_at  BIGINT,                      -- when it was last looked at
    playbook TEXT NOT NULL
);
