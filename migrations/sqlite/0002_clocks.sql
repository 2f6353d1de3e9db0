-- A promise may be made again within one hand-off: what came of a talk is owed anew after the day on which the
-- lead wanted to be called, and an opportunity may fall quiet twice. One clock of a kind runs at a time.
ALTER TABLE sla_level RENAME TO sla_level_before;
ALTER TABLE sla_clock RENAME TO sla_clock_before;
DROP INDEX sla_clock_due;
DROP INDEX sla_clock_lead;

CREATE TABLE sla_clock (
    id          INTEGER PRIMARY KEY,
    hand_off_id BIGINT NOT NULL REFERENCES hand_off (id),
    lead_id     BIGINT NOT NULL REFERENCES lead (id),
    kind        TEXT NOT NULL,
    number      BIGINT NOT NULL,        -- the how-many-eth of its kind in the hand-off, from 1
    terms       TEXT NOT NULL,
    started_at  BIGINT NOT NULL,
    deadline_at BIGINT NOT NULL,
    next_at     BIGINT,
    state       TEXT NOT NULL CHECK (state IN ('running', 'met', 'late', 'closed')),
    stopped_at  BIGINT,
    stopped_why TEXT,
    UNIQUE (hand_off_id, kind, number)
);
INSERT INTO sla_clock (id, hand_off_id, lead_id, kind, number, terms, started_at, deadline_at, next_at, state,
                       stopped_at, stopped_why)
SELECT id, hand_off_id, lead_id, kind, 1, terms, started_at, deadline_at, next_at, state, stopped_at, stopped_why
FROM sla_clock_before;
CREATE UNIQUE INDEX sla_clock_one_running ON sla_clock (hand_off_id, kind) WHERE state = 'running';
CREATE INDEX sla_clock_due ON sla_clock (next_at, id) WHERE state = 'running' AND next_at IS NOT NULL;
CREATE INDEX sla_clock_lead ON sla_clock (lead_id);

CREATE TABLE sla_level (
    clock_id    BIGINT NOT NULL REFERENCES sla_clock (id),
    level       TEXT NOT NULL,
    fell_due_at BIGINT NOT NULL,
    fired_at    BIGINT NOT NULL,
    PRIMARY KEY (clock_id, level)
);
INSERT INTO sla_level (clock_id, level, fell_due_at, fired_at)
SELECT clock_id, level, fell_due_at, fired_at FROM sla_level_before;

DROP TABLE sla_level_before;
DROP TABLE sla_clock_before;
