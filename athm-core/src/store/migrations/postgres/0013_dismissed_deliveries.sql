-- A person may dismiss a delivery that is dead or due.
ALTER TABLE athm_delivery ADD COLUMN dismissal TEXT;
ALTER TABLE athm_delivery DROP CONSTRAINT IF EXISTS athm_delivery_state_check;
ALTER TABLE athm_delivery ADD CONSTRAINT athm_delivery_state_check
    CHECK (state IN ('due', 'running', 'succeeded', 'dead', 'dismissed'));

CREATE INDEX athm_delivery_dismissed ON athm_delivery (finished_at) WHERE state = 'dismissed';
