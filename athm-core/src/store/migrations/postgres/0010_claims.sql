-- The identity of the latest claim, which no other claim has. Attempts are counted when they end, or when a suspect's begins.
-- An interruption is a process that ended while it ran the delivery; they are counted in a row.
ALTER TABLE athm_delivery ADD COLUMN claim UUID;
ALTER TABLE athm_delivery ADD COLUMN interruptions INTEGER NOT NULL DEFAULT 0;
UPDATE athm_delivery SET attempts = attempts - 1 WHERE state = 'running' AND attempts > 0;

CREATE INDEX athm_delivery_interrupted ON athm_delivery (due_at)
    WHERE interruptions > 0 AND state IN ('due', 'running');
