-- Money given back, or about to be. A pending one holds its amount; total_refunded is the payment's ledger after it.
CREATE TABLE athm_refund (
    id                   UUID        NOT NULL PRIMARY KEY,
    transaction_id       UUID        NOT NULL REFERENCES athm_transaction (id),
    amount               BIGINT      NOT NULL,
    state                TEXT        NOT NULL CHECK (state IN ('pending', 'done', 'not_done')),
    total_refunded       BIGINT,
    is_ours              BOOLEAN     NOT NULL,
    reference_number     TEXT,
    daily_transaction_id TEXT,
    date                 TIMESTAMPTZ,
    created_at           TIMESTAMPTZ NOT NULL
);

CREATE INDEX athm_refund_transaction ON athm_refund (transaction_id);
CREATE INDEX athm_refund_reference ON athm_refund (reference_number) WHERE reference_number IS NOT NULL;
CREATE INDEX athm_refund_pending ON athm_refund (created_at, id) WHERE state = 'pending';
