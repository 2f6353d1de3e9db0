-- What came back: mails that may be a lead's own and wait for a person's word, and what can be undone.

-- A kept mail that may be a lead's own says which lead's, what would follow from it, and how long the lead gets no
-- mail of a sequence for its sake.
ALTER TABLE inbound_mail ADD COLUMN lead_id BIGINT REFERENCES lead (id);
ALTER TABLE inbound_mail ADD COLUMN proposal TEXT COLLATE "C"; -- as JSON; without it nothing is asked
ALTER TABLE inbound_mail ADD COLUMN held_until BIGINT;
CREATE INDEX inbound_mail_lead ON inbound_mail (lead_id) WHERE lead_id IS NOT NULL;

-- What was so before something was taken for a lead's word: `nurtured undo` goes back to it.
CREATE TABLE undo (
    event_id  BIGINT PRIMARY KEY REFERENCES event (id),
    lead_id   BIGINT NOT NULL REFERENCES lead (id),
    before    TEXT COLLATE "C" NOT NULL,             -- as JSON; no personal text
    undone_at BIGINT                     -- empty: it stands
);
CREATE INDEX undo_lead ON undo (lead_id);
