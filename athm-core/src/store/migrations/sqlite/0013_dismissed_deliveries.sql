-- A person may dismiss a delivery that is dead or due. SQLite changes no CHECK: the rows move to a new table.
CREATE TABLE athm_delivery_of_states (
    id                 BLOB    NOT NULL PRIMARY KEY,
    event_id           BLOB    NOT NULL REFERENCES athm_event (id),
    signal             TEXT    NOT NULL,
    receiver           TEXT    NOT NULL,
    state              TEXT    NOT NULL CHECK (state IN ('due', 'running', 'succeeded', 'dead', 'dismissed')),
    attempts           INTEGER NOT NULL,
    is_replay          INTEGER NOT NULL,
    due_at             INTEGER NOT NULL,
    error              TEXT,
    created_at         INTEGER NOT NULL,
    finished_at        INTEGER,
    waits_for_customer INTEGER NOT NULL DEFAULT 0,
    claim              BLOB,
    interruptions      INTEGER NOT NULL DEFAULT 0,
    dismissal          TEXT,
    UNIQUE (event_id, signal, receiver)
) STRICT, WITHOUT ROWID;

INSERT INTO athm_delivery_of_states (id, event_id, signal, receiver, state, attempts, is_replay, due_at, error, created_at, finished_at, waits_for_customer, claim, interruptions)
SELECT id, event_id, signal, receiver, state, attempts, is_replay, due_at, error, created_at, finished_at, waits_for_customer, claim, interruptions
FROM athm_delivery;

DROP TABLE athm_delivery;
ALTER TABLE athm_delivery_of_states RENAME TO athm_delivery;

CREATE INDEX athm_delivery_due ON athm_delivery (due_at) WHERE state IN ('due', 'running');
CREATE INDEX athm_delivery_dead ON athm_delivery (finished_at) WHERE state = 'dead';
CREATE INDEX athm_delivery_succeeded ON athm_delivery (finished_at) WHERE state = 'succeeded';
CREATE INDEX athm_delivery_dismissed ON athm_delivery (finished_at) WHERE state = 'dismissed';
CREATE INDEX athm_delivery_interrupted ON athm_delivery (due_at)
    WHERE interruptions > 0 AND state IN ('due', 'running');
