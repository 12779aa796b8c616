-- Problems that are reported to a person, once each. place is the table of a damaged row, and empty otherwise.
CREATE TABLE athm_alert (
    kind           TEXT    COLLATE "C" NOT NULL,
    id             UUID    NOT NULL,
    place          TEXT    COLLATE "C" NOT NULL,
    transaction_id UUID,
    detail         TEXT,
    created_at     TIMESTAMPTZ NOT NULL,
    attempts       INTEGER NOT NULL,
    due_at         TIMESTAMPTZ NOT NULL,
    reported_at    TIMESTAMPTZ,
    PRIMARY KEY (kind, id, place)
);

CREATE INDEX athm_alert_due ON athm_alert (due_at) WHERE reported_at IS NULL;
