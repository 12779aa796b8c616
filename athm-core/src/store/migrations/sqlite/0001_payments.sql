-- Money is integer cents of US dollars. Times are microseconds since 1970 in UTC. Identifiers of 16 bytes are UUIDs.

CREATE TABLE athm_transaction (
    id                   BLOB    NOT NULL PRIMARY KEY,
    kind                 TEXT    NOT NULL,
    status               TEXT    NOT NULL,
    ecommerce_id         BLOB    UNIQUE,
    reference_number     TEXT    UNIQUE,
    daily_transaction_id TEXT,
    total                INTEGER NOT NULL,
    subtotal             INTEGER NOT NULL,
    tax                  INTEGER NOT NULL,
    fee                  INTEGER NOT NULL,
    net_amount           INTEGER NOT NULL,
    refunded_amount      INTEGER NOT NULL,
    metadata_1           TEXT    NOT NULL,
    metadata_2           TEXT    NOT NULL,
    date                 INTEGER,
    deadline             INTEGER,
    verified             INTEGER NOT NULL,
    auth_token           TEXT,
    created_at           INTEGER NOT NULL,
    updated_at           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX athm_transaction_token ON athm_transaction (created_at) WHERE auth_token IS NOT NULL;
CREATE INDEX athm_transaction_newest ON athm_transaction (created_at, id);
CREATE INDEX athm_transaction_newest_by_status ON athm_transaction (status, created_at, id);

CREATE TABLE athm_item (
    transaction_id BLOB    NOT NULL REFERENCES athm_transaction (id),
    position       INTEGER NOT NULL,
    name           TEXT    NOT NULL,
    description    TEXT    NOT NULL,
    quantity       INTEGER NOT NULL,
    price          INTEGER NOT NULL,
    tax            INTEGER NOT NULL,
    metadata       TEXT    NOT NULL,
    sku            TEXT    NOT NULL,
    PRIMARY KEY (transaction_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE athm_customer (
    transaction_id BLOB NOT NULL PRIMARY KEY REFERENCES athm_transaction (id),
    name           TEXT,
    phone          TEXT,
    email          TEXT,
    message        TEXT
) STRICT, WITHOUT ROWID;

-- One transition of one transaction, once.
CREATE TABLE athm_event (
    id             BLOB    NOT NULL PRIMARY KEY,
    transaction_id BLOB    NOT NULL REFERENCES athm_transaction (id),
    transition     TEXT    NOT NULL,
    refund_amount  INTEGER,
    sender         TEXT    NOT NULL,
    rejection      TEXT,
    created_at     INTEGER NOT NULL,
    UNIQUE (transaction_id, transition)
) STRICT, WITHOUT ROWID;

-- One receiver's turn at one signal of one event. It may be claimed from due_at on: while it runs, that is when its
-- lease ends.
CREATE TABLE athm_delivery (
    id          BLOB    NOT NULL PRIMARY KEY,
    event_id    BLOB    NOT NULL REFERENCES athm_event (id),
    signal      TEXT    NOT NULL,
    receiver    TEXT    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('due', 'running', 'succeeded', 'dead')),
    attempts    INTEGER NOT NULL,
    is_replay   INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    error       TEXT,
    created_at  INTEGER NOT NULL,
    finished_at INTEGER,
    UNIQUE (event_id, signal, receiver)
) STRICT, WITHOUT ROWID;

CREATE INDEX athm_delivery_due ON athm_delivery (due_at) WHERE state IN ('due', 'running');
CREATE INDEX athm_delivery_dead ON athm_delivery (finished_at) WHERE state = 'dead';
CREATE INDEX athm_delivery_succeeded ON athm_delivery (finished_at) WHERE state = 'succeeded';

-- Messages: those that wait for the provider's word, and those that came to nothing.
CREATE TABLE athm_inbox (
    id          BLOB    NOT NULL PRIMARY KEY,
    state       TEXT    NOT NULL CHECK (state IN ('pending', 'refused', 'unmatched')),
    payment     TEXT,
    kind        TEXT,
    status      TEXT,
    refunded    INTEGER,
    version     INTEGER NOT NULL,
    sender      TEXT    NOT NULL,
    body        TEXT    NOT NULL,
    reason      TEXT,
    attempts    INTEGER NOT NULL,
    due_at      INTEGER,
    received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX athm_inbox_pending ON athm_inbox (payment) WHERE state = 'pending';
CREATE INDEX athm_inbox_due ON athm_inbox (due_at) WHERE state = 'pending';
CREATE INDEX athm_inbox_oldest ON athm_inbox (state, received_at);
