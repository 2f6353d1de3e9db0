-- Other programs at the door: tokens of the HTTP API, answers kept for repeated requests, people who had their
-- data erased, and what other systems are told (webhooks).

-- Who may ask what. The token itself is shown once and kept nowhere; its hash is enough to know it again.
CREATE TABLE api_token (
    id           INTEGER PRIMARY KEY,
    name         TEXT NOT NULL,
    hash         TEXT NOT NULL UNIQUE,
    scopes       TEXT NOT NULL,         -- a JSON list
    campaign     TEXT,                  -- a form's key may be for one campaign alone
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT,
    revoked_at   BIGINT,
    last_used_at BIGINT                 -- to the hour
);
CREATE UNIQUE INDEX api_token_name ON api_token (name) WHERE revoked_at IS NULL;

-- Requests that name a key are done once: the first takes the row, the others get its answer.
CREATE TABLE idempotency (
    token_id   BIGINT NOT NULL REFERENCES api_token (id),
    key_hash   TEXT NOT NULL,
    request    TEXT NOT NULL,           -- a hash of what was asked
    started_at BIGINT NOT NULL,
    status     BIGINT,                  -- empty while the first is being answered
    answer     TEXT,
    PRIMARY KEY (token_id, key_hash)
);
CREATE INDEX idempotency_old ON idempotency (started_at);

-- Who had their data erased, by a keyed hash of the address: enough to leave them in peace, too little to find them.
CREATE TABLE erased_person (
    hash      TEXT PRIMARY KEY,
    lead_id   BIGINT,                   -- its row, for whoever counts
    erased_at BIGINT NOT NULL
);

-- Mails to staff about several leads at once: whoever erases one of these has to find them.
CREATE INDEX outbox_about_several ON outbox (state) WHERE lead_id IS NULL AND message IS NOT NULL;

-- Other systems that are told of events, as the configuration names them; and how they listen.
CREATE TABLE webhook_endpoint (
    name          TEXT PRIMARY KEY,
    failures      BIGINT NOT NULL,      -- in a row
    failing_since BIGINT,
    next_at       BIGINT NOT NULL,      -- when it is tried again
    parked_at     BIGINT,               -- nobody listens: a person has to look
    last_error    TEXT,
    lease_token   BIGINT,
    lease_until   BIGINT NOT NULL
);
CREATE TABLE webhook_subscription (
    kind     TEXT NOT NULL,
    endpoint TEXT NOT NULL REFERENCES webhook_endpoint (name),
    PRIMARY KEY (kind, endpoint)
);

-- What is still to be told. The row is written with its event, and goes when the endpoint has taken it. It holds
-- no words: they are made when they are sent, so whoever was erased meanwhile is not in them.
CREATE TABLE webhook_delivery (
    id         INTEGER PRIMARY KEY,
    endpoint   TEXT NOT NULL REFERENCES webhook_endpoint (name),
    event_id   BIGINT NOT NULL REFERENCES event (id),
    lead_id    BIGINT,                  -- the event's, for their order
    due_at     BIGINT NOT NULL,
    attempts   BIGINT NOT NULL,
    last_error TEXT,
    given_up   BOOLEAN NOT NULL,
    UNIQUE (event_id, endpoint)
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (endpoint, due_at) WHERE NOT given_up;
CREATE INDEX webhook_delivery_lead ON webhook_delivery (endpoint, lead_id, event_id);
CREATE TRIGGER event_is_told AFTER INSERT ON event
BEGIN
    INSERT INTO webhook_delivery (endpoint, event_id, lead_id, due_at, attempts, given_up)
    SELECT endpoint, NEW.id, NEW.lead_id, NEW.recorded_at, 0, FALSE FROM webhook_subscription WHERE kind = NEW.kind;
END;
