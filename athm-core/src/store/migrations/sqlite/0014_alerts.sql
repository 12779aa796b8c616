-- Problems that are reported to a person, once each. place is the table of a damaged row, and empty otherwise.
CREATE TABLE athm_alert (
    kind           TEXT    NOT NULL,
    id             BLOB    NOT NULL,
    place          TEXT    NOT NULL,
    transaction_id BLOB,
    detail         TEXT,
    created_at     INTEGER NOT NULL,
    attempts       INTEGER NOT NULL,
    due_at         INTEGER NOT NULL,
    reported_at    INTEGER,
    PRIMARY KEY (kind, id, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX athm_alert_due ON athm_alert (due_at) WHERE reported_at IS NULL;
