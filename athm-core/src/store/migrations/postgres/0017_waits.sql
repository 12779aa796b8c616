-- How long a delivery has waited in all because its receiver asked to be run again later, since the last replay.
ALTER TABLE athm_delivery ADD COLUMN waited_ms BIGINT NOT NULL DEFAULT 0;
