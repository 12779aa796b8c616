-- A call to the provider that changes a payment: written before the call, gone when its outcome is known. While it is
-- under way, ends_at is when it counts as ended although nobody has said how; after that, when it has ended.
CREATE TABLE athm_intent (
    id             UUID        NOT NULL PRIMARY KEY,
    transaction_id UUID        NOT NULL REFERENCES athm_transaction (id),
    operation      TEXT        NOT NULL,
    is_under_way   BOOLEAN     NOT NULL,
    ends_at        TIMESTAMPTZ NOT NULL,
    looks          INTEGER     NOT NULL,
    due_at         TIMESTAMPTZ NOT NULL,
    UNIQUE (transaction_id, operation)
);

CREATE INDEX athm_intent_due ON athm_intent (due_at);
