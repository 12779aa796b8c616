-- The history of a delivery: its failed attempts, and a success after one.
CREATE TABLE athm_attempt (
    delivery_id BLOB    NOT NULL REFERENCES athm_delivery (id) ON DELETE CASCADE,
    claim       BLOB    NOT NULL,
    number      INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER NOT NULL,
    process     TEXT    NOT NULL,
    error       TEXT,
    PRIMARY KEY (delivery_id, claim)
) STRICT, WITHOUT ROWID;
