-- Payments that a program has written down together with its order, and that are opened at the provider after its commit. The
-- id is the payment's once it is opened. due_at: when athm opens it by itself; while it is being opened, when that counts as
-- ended. deadline: when it fails unless it is opened. Both are by this server's clock.
CREATE TABLE athm_payment_intent (
    id              UUID        NOT NULL PRIMARY KEY,
    idempotency_key TEXT        COLLATE "C" UNIQUE,
    state           TEXT        COLLATE "C" NOT NULL CHECK (state IN ('due', 'opening', 'opened', 'failed')),
    total           BIGINT      NOT NULL,
    subtotal        BIGINT,
    tax             BIGINT      NOT NULL,
    metadata_1      TEXT        NOT NULL,
    metadata_2      TEXT        NOT NULL,
    items           TEXT        NOT NULL,
    timeout         BIGINT      NOT NULL,
    phone           TEXT,
    attempts        INTEGER     NOT NULL,
    due_at          TIMESTAMPTZ NOT NULL,
    deadline        TIMESTAMPTZ NOT NULL,
    error           TEXT,
    ecommerce_id    UUID,
    created_at      TIMESTAMPTZ NOT NULL
);

CREATE INDEX athm_payment_intent_due ON athm_payment_intent (due_at) WHERE state IN ('due', 'opening');
