-- Money is BIGINT cents of US dollars. Deadlines (due_at, finished_at) are by this server's clock.

CREATE TABLE athm_transaction (
    id                   UUID        NOT NULL PRIMARY KEY,
    kind                 TEXT        NOT NULL,
    status               TEXT        NOT NULL,
    ecommerce_id         UUID        UNIQUE,
    reference_number     TEXT        UNIQUE,
    daily_transaction_id TEXT,
    total                BIGINT      NOT NULL,
    subtotal             BIGINT      NOT NULL,
    tax                  BIGINT      NOT NULL,
    fee                  BIGINT      NOT NULL,
    net_amount           BIGINT      NOT NULL,
    refunded_amount      BIGINT      NOT NULL,
    metadata_1           TEXT        NOT NULL,
    metadata_2           TEXT        NOT NULL,
    date                 TIMESTAMPTZ,
    deadline             TIMESTAMPTZ,
    verified             BOOLEAN     NOT NULL,
    auth_token           TEXT,
    created_at           TIMESTAMPTZ NOT NULL,
    updated_at           TIMESTAMPTZ NOT NULL
);

CREATE INDEX athm_transaction_token ON athm_transaction (created_at) WHERE auth_token IS NOT NULL;
CREATE INDEX athm_transaction_newest ON athm_transaction (created_at, id);
CREATE INDEX athm_transaction_newest_by_status ON athm_transaction (status, created_at, id);

CREATE TABLE athm_item (
    transaction_id UUID    NOT NULL REFERENCES athm_transaction (id),
    position       INTEGER NOT NULL,
    name           TEXT    NOT NULL,
    description    TEXT    NOT NULL,
    quantity       BIGINT  NOT NULL,
    price          BIGINT  NOT NULL,
    tax            BIGINT  NOT NULL,
    metadata       TEXT    NOT NULL,
    sku            TEXT    NOT NULL,
    PRIMARY KEY (transaction_id, position)
);

CREATE TABLE athm_customer (
    transaction_id UUID NOT NULL PRIMARY KEY REFERENCES athm_transaction (id),
    name           TEXT,
    phone          TEXT,
    email          TEXT,
    message        TEXT
);

-- One transition of one transaction, once.
CREATE TABLE athm_event (
    id             UUID        NOT NULL PRIMARY KEY,
    transaction_id UUID        NOT NULL REFERENCES athm_transaction (id),
    transition     TEXT        NOT NULL,
    refund_amount  BIGINT,
    sender         TEXT        NOT NULL,
    rejection      TEXT,
    created_at     TIMESTAMPTZ NOT NULL,
    UNIQUE (transaction_id, transition)
);

-- One receiver's turn at one signal of one event. It may be claimed from due_at on: while it runs, that is when its
-- lease ends.
CREATE TABLE athm_delivery (
    id          UUID        NOT NULL PRIMARY KEY,
    event_id    UUID        NOT NULL REFERENCES athm_event (id),
    signal      TEXT        NOT NULL,
    receiver    TEXT        NOT NULL,
    state       TEXT        NOT NULL CHECK (state IN ('due', 'running', 'succeeded', 'dead')),
    attempts    INTEGER     NOT NULL,
    is_replay   BOOLEAN     NOT NULL,
    due_at      TIMESTAMPTZ NOT NULL,
    error       TEXT,
    created_at  TIMESTAMPTZ NOT NULL,
    finished_at TIMESTAMPTZ,
    UNIQUE (event_id, signal, receiver)
);

CREATE INDEX athm_delivery_due ON athm_delivery (due_at) WHERE state IN ('due', 'running');
CREATE INDEX athm_delivery_dead ON athm_delivery (finished_at) WHERE state = 'dead';
CREATE INDEX athm_delivery_succeeded ON athm_delivery (finished_at) WHERE state = 'succeeded';

-- Messages: those that wait for the provider's word, and those that came to nothing.
CREATE TABLE athm_inbox (
    id          UUID        NOT NULL PRIMARY KEY,
    state       TEXT        NOT NULL CHECK (state IN ('pending', 'refused', 'unmatched')),
    payment     TEXT,
    kind        TEXT,
    status      TEXT,
    refunded    BIGINT,
    version     BIGINT      NOT NULL,
    sender      TEXT        NOT NULL,
    body        TEXT        NOT NULL,
    reason      TEXT,
    attempts    INTEGER     NOT NULL,
    due_at      TIMESTAMPTZ,
    received_at TIMESTAMPTZ NOT NULL
);

CREATE UNIQUE INDEX athm_inbox_pending ON athm_inbox (payment) WHERE state = 'pending';
CREATE INDEX athm_inbox_due ON athm_inbox (due_at) WHERE state = 'pending';
CREATE INDEX athm_inbox_oldest ON athm_inbox (state, received_at);
