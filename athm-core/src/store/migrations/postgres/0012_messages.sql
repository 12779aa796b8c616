-- Messages as they came, for people. No payment depends on one. In each lane, ends_at is the sum of the weights of all copies
-- up to this one, so that what is too much is found without counting.
CREATE TABLE athm_message (
    id             UUID        NOT NULL PRIMARY KEY,
    state          TEXT        COLLATE "C" NOT NULL CHECK (state IN ('recorded', 'pending', 'refused', 'unmatched')),
    lane           SMALLINT    NOT NULL,
    ends_at        BIGINT      NOT NULL,
    sender         TEXT        NOT NULL,
    content_type   TEXT,
    remote_address TEXT,
    size           BIGINT      NOT NULL,
    answer         BIGINT      NOT NULL,
    reason         TEXT,
    payment        TEXT        COLLATE "C",
    transaction_id UUID,
    received_at    TIMESTAMPTZ NOT NULL,
    body           BYTEA       NOT NULL
);

CREATE INDEX athm_message_newest ON athm_message (received_at, id);
CREATE INDEX athm_message_newest_by_state ON athm_message (state, received_at, id);
CREATE INDEX athm_message_transaction ON athm_message (transaction_id, received_at, id)
    WHERE transaction_id IS NOT NULL;
CREATE INDEX athm_message_pending ON athm_message (payment) WHERE state = 'pending';
CREATE INDEX athm_message_lane ON athm_message (lane, ends_at);

-- Messages that came to nothing are kept there now. Only a refund that belongs to no payment stays, once.
INSERT INTO athm_message (id, state, lane, ends_at, sender, size, answer, reason, received_at, body)
SELECT id, state, 1, sum(length(convert_to(body, 'UTF8')) + 1024) OVER (ORDER BY received_at, id), sender,
    length(convert_to(body, 'UTF8')), CASE state WHEN 'refused' THEN 422 ELSE 200 END, reason, received_at,
    convert_to(body, 'UTF8')
FROM athm_inbox WHERE state IN ('refused', 'unmatched');

DELETE FROM athm_inbox WHERE state = 'refused' OR (state = 'unmatched' AND (refunds IS NULL OR EXISTS (
    SELECT 1 FROM athm_inbox AS older WHERE older.state = 'unmatched' AND older.refunds IS NOT NULL
    AND older.payment = athm_inbox.payment AND (older.received_at, older.id) < (athm_inbox.received_at, athm_inbox.id))));
CREATE UNIQUE INDEX athm_inbox_unmatched ON athm_inbox (payment) WHERE state = 'unmatched';
ALTER TABLE athm_inbox DROP COLUMN body;
