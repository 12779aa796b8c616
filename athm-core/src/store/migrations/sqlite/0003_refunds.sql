-- Money given back, or about to be. A pending one holds its amount; total_refunded is the payment's ledger after it.
CREATE TABLE athm_refund (
    id                   BLOB    NOT NULL PRIMARY KEY,
    transaction_id       BLOB    NOT NULL REFERENCES athm_transaction (id),
    amount               INTEGER NOT NULL,
    state                TEXT    NOT NULL CHECK (state IN ('pending', 'done', 'not_done')),
    total_refunded       INTEGER,
    is_ours              INTEGER NOT NULL,
    reference_number     TEXT,
    daily_transaction_id TEXT,
    date                 INTEGER,
    created_at           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX athm_refund_transaction ON athm_refund (transaction_id);
CREATE INDEX athm_refund_reference ON athm_refund (reference_number) WHERE reference_number IS NOT NULL;
CREATE INDEX athm_refund_pending ON athm_refund (created_at, id) WHERE state = 'pending';
