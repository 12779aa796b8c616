-- What a payment was opened with, and which other total a person has accepted; which polls are searches for the customer;
-- which refunds a message tells of.
ALTER TABLE athm_transaction ADD COLUMN expected_total INTEGER;
ALTER TABLE athm_transaction ADD COLUMN accepted_total INTEGER;
UPDATE athm_transaction SET expected_total = total WHERE deadline IS NOT NULL AND status IN ('open', 'confirmed');

ALTER TABLE athm_poll ADD COLUMN is_search INTEGER NOT NULL DEFAULT 0;
UPDATE athm_poll SET is_search = 1
WHERE transaction_id IN (SELECT id FROM athm_transaction WHERE status = 'completed');
DROP INDEX athm_poll_due;
CREATE INDEX athm_poll_due ON athm_poll (is_search, due_at);

ALTER TABLE athm_inbox ADD COLUMN refunds TEXT;

-- What a person must look at.
CREATE INDEX athm_transaction_mismatch ON athm_transaction (created_at, id)
    WHERE expected_total <> total AND (accepted_total IS NULL OR accepted_total <> total);
CREATE INDEX athm_event_rejected ON athm_event (created_at, id) WHERE rejection IS NOT NULL;
CREATE INDEX athm_inbox_refund ON athm_inbox (received_at, id) WHERE state = 'unmatched' AND refunds IS NOT NULL;
