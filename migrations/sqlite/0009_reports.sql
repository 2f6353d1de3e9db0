-- Figures: what a report reads of the log, and when the next mailed one is due.

-- A report reads these kinds of many leads at once, and of each lead few entries among many.
CREATE INDEX event_of_figures ON event (lead_id, id)
    WHERE kind IN ('stage', 'out_of_office', 'follow_up', 'extended', 'feedback');

-- The mailed reports, by what they look back on. `due_at` before all time: when it is due has to be worked out.
CREATE TABLE report_due (
    length     TEXT PRIMARY KEY,
    due_at     BIGINT,                   -- empty: the agreement wants none
    told_until BIGINT                    -- the end of the last period that was told; empty: none yet
);
CREATE INDEX report_due_at ON report_due (due_at) WHERE due_at IS NOT NULL;
INSERT INTO report_due (length, due_at) VALUES ('week', 0), ('month', 0);
