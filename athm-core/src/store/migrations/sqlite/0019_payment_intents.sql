-- Payments that a program has written down together with its order, and that are opened at the provider after its commit. The
-- id is the payment's once it is opened. due_at: when athm opens it by itself; while it is being opened, when that counts as
-- ended. deadline: when it fails unless it is opened.
CREATE TABLE athm_payment_intent (
    id              BLOB    NOT NULL PRIMARY KEY,
    idempotency_key TEXT    UNIQUE,
    state           TEXT    NOT NULL CHECK (state IN ('due', 'opening', 'opened', 'failed')),
    total           INTEGER NOT NULL,
    subtotal        INTEGER,
    tax             INTEGER NOT NULL,
    metadata_1      TEXT    NOT NULL,
    metadata_2      TEXT    NOT NULL,
    items           TEXT    NOT NULL,
    timeout         INTEGER NOT NULL,
    phone           TEXT,
    attempts        INTEGER NOT NULL,
    due_at          INTEGER NOT NULL,
    deadline        INTEGER NOT NULL,
    error           TEXT,
    ecommerce_id    BLOB,
    created_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX athm_payment_intent_due ON athm_payment_intent (due_at) WHERE state IN ('due', 'opening');
