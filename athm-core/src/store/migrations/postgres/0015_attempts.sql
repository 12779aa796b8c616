-- The history of a delivery: its failed attempts, and a success after one.
CREATE TABLE athm_attempt (
    delivery_id UUID    NOT NULL REFERENCES athm_delivery (id) ON DELETE CASCADE,
    claim       UUID    NOT NULL,
    number      INTEGER NOT NULL,
    started_at  TIMESTAMPTZ NOT NULL,
    ended_at    TIMESTAMPTZ NOT NULL,
    process     TEXT    NOT NULL,
    error       TEXT,
    PRIMARY KEY (delivery_id, claim)
);
