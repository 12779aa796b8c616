-- A call to the provider that changes a payment: written before the call, gone when its outcome is known. While it is
-- under way, ends_at is when it counts as ended although nobody has said how; after that, when it has ended.
CREATE TABLE athm_intent (
    id             BLOB    NOT NULL PRIMARY KEY,
    transaction_id BLOB    NOT NULL REFERENCES athm_transaction (id),
    operation      TEXT    NOT NULL,
    is_under_way   INTEGER NOT NULL,
    ends_at        INTEGER NOT NULL,
    looks          INTEGER NOT NULL,
    due_at         INTEGER NOT NULL,
    UNIQUE (transaction_id, operation)
) STRICT, WITHOUT ROWID;

CREATE INDEX athm_intent_due ON athm_intent (due_at);
