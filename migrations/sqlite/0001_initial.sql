-- The lead store. The same tables stand in migrations/postgres/0001_initial.sql; a test compares them.
-- Instants are epoch milliseconds; booleans are BOOLEAN; lists and open-ended facts are JSON text.

-- Who it is, how far it has come, and whose word it is.
CREATE TABLE lead (
    id            INTEGER PRIMARY KEY,
    email         TEXT NOT NULL UNIQUE,
    first_name    TEXT,
    last_name     TEXT,
    company       TEXT,
    company_key   TEXT,                 -- what makes two leads colleagues: the mail domain, unless a free provider's
    title         TEXT,
    phone         TEXT,
    country       TEXT,
    zone          TEXT,
    language      TEXT,
    fields        TEXT NOT NULL,
    campaign      TEXT,
    source        TEXT,
    stage         TEXT NOT NULL,
    stage_at      BIGINT NOT NULL,
    voice         TEXT NOT NULL CHECK (voice IN ('nurture', 'sales')),
    base_score    BIGINT NOT NULL,
    score         BIGINT NOT NULL,
    grade         TEXT,
    owner         TEXT,
    round         BIGINT NOT NULL,
    away_until    BIGINT,
    follow_up_at  BIGINT,
    next_sequence TEXT,                 -- what it enters when its rest is over
    avoid_rep     TEXT,                 -- who shall not get it again
    due_at        BIGINT,               -- when intake, hand-off or recycle has to look at it
    created_at    BIGINT NOT NULL,
    -- Referenced by running enrolments with voice 'nurture': while one runs, sales cannot take the word.
    UNIQUE (id, voice)
);
CREATE INDEX lead_due ON lead (stage, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX lead_owner ON lead (owner, stage) WHERE owner IS NOT NULL;
CREATE INDEX lead_stage ON lead (stage);

-- Where it came from, every time. Never changed, never deleted; the fingerprint keeps a daily export from doubling it.
CREATE TABLE touch (
    id           INTEGER PRIMARY KEY,
    lead_id      BIGINT NOT NULL REFERENCES lead (id),
    occurred_at  BIGINT NOT NULL,
    recorded_at  BIGINT NOT NULL,
    fingerprint  TEXT NOT NULL,
    source       TEXT,
    medium       TEXT,
    campaign     TEXT,
    term         TEXT,
    content      TEXT,
    ad           TEXT,
    landing_page TEXT,
    referrer     TEXT,
    UNIQUE (lead_id, fingerprint)
);

-- What it said.
CREATE TABLE answer (
    id          INTEGER PRIMARY KEY,
    lead_id     BIGINT NOT NULL REFERENCES lead (id),
    occurred_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    fingerprint TEXT NOT NULL,
    question    TEXT NOT NULL,
    answer      TEXT NOT NULL,
    UNIQUE (lead_id, fingerprint)
);

-- What it did.
CREATE TABLE activity (
    id          INTEGER PRIMARY KEY,
    lead_id     BIGINT NOT NULL REFERENCES lead (id),
    occurred_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    fingerprint TEXT NOT NULL,
    name        TEXT NOT NULL,
    UNIQUE (lead_id, fingerprint)
);

-- The playbooks that were ever in force, by content hash.
CREATE TABLE playbook (
    version   TEXT PRIMARY KEY,
    files     TEXT NOT NULL,
    stored_at BIGINT NOT NULL
);
CREATE TABLE playbook_in_force (
    one     BIGINT PRIMARY KEY CHECK (one = 1),
    version TEXT NOT NULL REFERENCES playbook (version),
    since   BIGINT NOT NULL
);

-- A lead's passage through a sequence. `entry` counts re-entries where the sequence allows them.
CREATE TABLE enrolment (
    id           INTEGER PRIMARY KEY,
    lead_id      BIGINT NOT NULL REFERENCES lead (id),
    sequence     TEXT NOT NULL,
    entry        BIGINT NOT NULL,
    round        BIGINT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('active', 'finished', 'exited')),
    voice        TEXT,
    started_at   BIGINT NOT NULL,
    last_sent_at BIGINT,
    due_at       BIGINT,                -- when nurture has to look at it; empty while a step waits in the outbox
    ended_at     BIGINT,
    ended_why    TEXT,
    UNIQUE (lead_id, sequence, entry),
    CHECK ((state = 'active') = (voice IS NOT NULL)),
    CHECK (voice IS NULL OR voice = 'nurture'),
    FOREIGN KEY (lead_id, voice) REFERENCES lead (id, voice)
);
CREATE UNIQUE INDEX enrolment_one_active ON enrolment (lead_id) WHERE state = 'active';
CREATE INDEX enrolment_due ON enrolment (due_at, id) WHERE state = 'active' AND due_at IS NOT NULL;

-- One hand-off of a lead to one rep.
CREATE TABLE hand_off (
    id          INTEGER PRIMARY KEY,
    lead_id     BIGINT NOT NULL REFERENCES lead (id),
    number      BIGINT NOT NULL,
    rep         TEXT NOT NULL,
    team        TEXT NOT NULL,
    policy      TEXT NOT NULL,
    campaign    TEXT NOT NULL,
    at          BIGINT NOT NULL,
    accepted_at BIGINT,
    ended_at    BIGINT,
    ended_why   TEXT,
    UNIQUE (lead_id, number)
);
CREATE UNIQUE INDEX hand_off_one_open ON hand_off (lead_id) WHERE ended_at IS NULL;
CREATE INDEX hand_off_open_of_rep ON hand_off (rep) WHERE ended_at IS NULL;

-- What a rep's turn depends on.
CREATE TABLE rep (
    email            TEXT PRIMARY KEY,
    last_assigned_at BIGINT,
    assigned         BIGINT NOT NULL,
    away_from        BIGINT,
    away_until       BIGINT
);

-- A promise with a deadline, frozen when it was made.
CREATE TABLE sla_clock (
    id          INTEGER PRIMARY KEY,
    hand_off_id BIGINT NOT NULL REFERENCES hand_off (id),
    lead_id     BIGINT NOT NULL REFERENCES lead (id),
    kind        TEXT NOT NULL,
    terms       TEXT NOT NULL,
    started_at  BIGINT NOT NULL,
    deadline_at BIGINT NOT NULL,
    next_at     BIGINT,
    state       TEXT NOT NULL CHECK (state IN ('running', 'met', 'late', 'closed')),
    stopped_at  BIGINT,
    stopped_why TEXT,
    UNIQUE (hand_off_id, kind)
);
CREATE INDEX sla_clock_due ON sla_clock (next_at, id) WHERE state = 'running' AND next_at IS NOT NULL;
CREATE INDEX sla_clock_lead ON sla_clock (lead_id);

-- The levels that were reached. A level is reached once.
CREATE TABLE sla_level (
    clock_id    BIGINT NOT NULL REFERENCES sla_clock (id),
    level       TEXT NOT NULL,
    fell_due_at BIGINT NOT NULL,
    fired_at    BIGINT NOT NULL,
    PRIMARY KEY (clock_id, level)
);

-- Every mail, before, while and after it is sent.
CREATE TABLE outbox (
    id           INTEGER PRIMARY KEY,
    audience     TEXT NOT NULL CHECK (audience IN ('lead', 'staff')),
    class        TEXT NOT NULL,
    state        TEXT NOT NULL
                 CHECK (state IN ('pending', 'sending', 'sent', 'skipped', 'dropped', 'in_doubt', 'parked')),
    due_at       BIGINT NOT NULL,
    lead_id      BIGINT REFERENCES lead (id),
    recipient    TEXT NOT NULL,
    unique_key   TEXT NOT NULL UNIQUE,   -- what makes a second mail of this kind impossible
    requested    BOOLEAN NOT NULL,       -- the lead asked for it: the window does not hold it
    playbook     TEXT NOT NULL,
    enrolment_id BIGINT REFERENCES enrolment (id),
    sequence     TEXT,
    step         TEXT,
    level        TEXT,
    subject      TEXT,
    message      BLOB,                   -- staff mail: its bytes, resent unchanged
    lease_token  BIGINT,
    lease_until  BIGINT,
    attempts     BIGINT NOT NULL,
    held_why     TEXT,
    last_error   TEXT,
    planned_at   BIGINT NOT NULL,
    ended_at     BIGINT,
    UNIQUE (enrolment_id, step)          -- no lead ever gets the same step twice in one enrolment
);
CREATE INDEX outbox_due ON outbox (audience, due_at, id) WHERE state = 'pending';
CREATE INDEX outbox_sending ON outbox (lease_until, id) WHERE state = 'sending';
CREATE INDEX outbox_for_people ON outbox (state, id) WHERE state IN ('in_doubt', 'parked');
CREATE INDEX outbox_lead ON outbox (lead_id) WHERE lead_id IS NOT NULL;

-- Every time somebody of ours turned to a lead. Nurture mails take a slot of the day, for the lead and for its
-- company; the unique keys hold the caps even between daemons.
CREATE TABLE contact (
    id           INTEGER PRIMARY KEY,
    lead_id      BIGINT NOT NULL REFERENCES lead (id),
    occurred_at  BIGINT NOT NULL,
    local_date   BIGINT NOT NULL,        -- in the lead's zone, days since 1970-01-01
    channel      TEXT NOT NULL,
    actor        TEXT,                   -- the rep; empty: a sequence
    outbox_id    BIGINT UNIQUE REFERENCES outbox (id),
    slot         BIGINT,
    company_key  TEXT,
    company_slot BIGINT,
    UNIQUE (lead_id, local_date, slot),
    UNIQUE (company_key, local_date, company_slot)
);
CREATE INDEX contact_recent ON contact (lead_id, local_date);

-- Who must not be contacted, and why. Stands beside the stage and always wins.
CREATE TABLE suppression (
    id          INTEGER PRIMARY KEY,
    email       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    since       BIGINT NOT NULL,
    evidence    TEXT,
    UNIQUE (email, reason)
);

-- What happened, when, why, by whose hand, under which rules. Nothing in it is ever changed.
CREATE TABLE event (
    id          INTEGER PRIMARY KEY,
    lead_id     BIGINT REFERENCES lead (id),
    occurred_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    kind        TEXT NOT NULL,
    actor       TEXT,
    playbook    TEXT,
    outbox_id   BIGINT REFERENCES outbox (id),
    facts       TEXT NOT NULL
);
CREATE INDEX event_lead ON event (lead_id, id) WHERE lead_id IS NOT NULL;
CREATE TRIGGER event_keeps BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
CREATE TRIGGER event_stays BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;

-- Free text that belongs to an event: personal, so it can be erased.
CREATE TABLE event_text (
    event_id BIGINT PRIMARY KEY REFERENCES event (id),
    body     TEXT NOT NULL
);

-- Keys that sign links and message ids, one for each purpose.
CREATE TABLE secret_key (
    purpose TEXT PRIMARY KEY,
    secret  BLOB NOT NULL
);

-- Lead mails on each day, for the brake; and the brake.
CREATE TABLE daily_mail (
    day  BIGINT PRIMARY KEY,             -- in the agreement's default zone, days since 1970-01-01
    sent BIGINT NOT NULL
);
CREATE TABLE brake (
    one   BIGINT PRIMARY KEY CHECK (one = 1),
    since BIGINT NOT NULL,
    why   TEXT NOT NULL
);

-- The last completed wake: how the next start knows how long nobody looked.
CREATE TABLE heartbeat (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    at  BIGINT NOT NULL
);
