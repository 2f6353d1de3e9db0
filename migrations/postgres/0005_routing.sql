-- Hand-off and routing: whose turn it is, who waits, what is missing, what teams were told. The same tables stand in
-- migrations/sqlite/0005_routing.sql; a test compares them.

-- How far `weighted` has counted a rep, in parts of a lead.
ALTER TABLE rep ADD COLUMN level BIGINT;

-- What is counted of leads like one that is handed off.
ALTER TABLE hand_off ADD COLUMN grade TEXT;
ALTER TABLE hand_off ADD COLUMN opportunity_at BIGINT;
UPDATE hand_off SET grade = (SELECT lead.grade FROM lead WHERE lead.id = hand_off.lead_id);
UPDATE hand_off SET opportunity_at = (SELECT lead.stage_at FROM lead WHERE lead.id = hand_off.lead_id)
    WHERE ended_at IS NULL
      AND lead_id IN (SELECT id FROM lead WHERE stage IN ('opportunity', 'won'));
CREATE INDEX hand_off_like ON hand_off (campaign, grade, at, lead_id, opportunity_at);
CREATE INDEX hand_off_of_rep_since ON hand_off (rep, at);

-- Colleagues of a lead.
CREATE INDEX lead_company ON lead (company_key) WHERE company_key IS NOT NULL;

-- Leads that wait for a rep, in the order in which they get one.
CREATE INDEX lead_waiting ON lead (campaign, score DESC, stage_at, id) WHERE stage = 'qualified' AND due_at IS NULL;

-- When something of routing has to be looked at: `waiting` leads, the list of `incomplete` ones.
CREATE TABLE routing_due (
    what TEXT PRIMARY KEY,
    at   BIGINT NOT NULL
);

-- Leads at the hand-off point of which something is not known that their campaign requires: marketing's list.
CREATE TABLE incomplete_lead (
    lead_id  BIGINT PRIMARY KEY REFERENCES lead (id),
    campaign TEXT NOT NULL,
    missing  TEXT NOT NULL,              -- what is not known, as a JSON list of words
    since    BIGINT NOT NULL,
    told_at  BIGINT                      -- when marketing heard of it
);
CREATE INDEX incomplete_lead_untold ON incomplete_lead (lead_id) WHERE told_at IS NULL;

-- Teams for whose reps leads wait, since when: told once.
CREATE TABLE full_team (
    team  TEXT PRIMARY KEY,
    since BIGINT NOT NULL
);

-- What the teams know of each campaign, and from when on its leads may be written to.
CREATE TABLE campaign_known (
    campaign   TEXT PRIMARY KEY,
    content    TEXT NOT NULL,            -- a hash of its brief and its mails
    sends_from BIGINT
);
