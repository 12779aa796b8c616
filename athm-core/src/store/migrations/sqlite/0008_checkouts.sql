-- What customers are asked to pay on a page, the payments that were opened for that, and how often a phone was asked to
-- approve.
CREATE TABLE athm_checkout (
    id              BLOB    NOT NULL PRIMARY KEY,
    idempotency_key TEXT    UNIQUE,
    total           INTEGER NOT NULL,
    subtotal        INTEGER,
    tax             INTEGER NOT NULL,
    metadata_1      TEXT    NOT NULL,
    metadata_2      TEXT    NOT NULL,
    items           TEXT    NOT NULL,
    timeout         INTEGER NOT NULL,
    language        TEXT,
    return_url      TEXT,
    form_token      TEXT    NOT NULL,
    email           TEXT,
    cancelled_at    INTEGER,
    created_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- ends_at: when the call that opens it counts as ended. due_at: when it is looked up next, while it waits.
CREATE TABLE athm_checkout_payment (
    id           BLOB    NOT NULL PRIMARY KEY,
    checkout_id  BLOB    NOT NULL REFERENCES athm_checkout (id),
    number       INTEGER NOT NULL,
    ecommerce_id BLOB    UNIQUE,
    phone        TEXT,
    failure      TEXT,
    opened_at    INTEGER NOT NULL,
    ends_at      INTEGER,
    due_at       INTEGER,
    UNIQUE (checkout_id, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX athm_checkout_payment_watched ON athm_checkout_payment (id) WHERE due_at IS NOT NULL;
CREATE INDEX athm_checkout_payment_repeated ON athm_checkout_payment (checkout_id) WHERE number > 1;

CREATE TABLE athm_checkout_push (
    id          BLOB    NOT NULL PRIMARY KEY,
    phone       TEXT    NOT NULL,
    checkout_id BLOB    NOT NULL,
    pushed_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX athm_checkout_push_phone ON athm_checkout_push (phone, pushed_at);
CREATE INDEX athm_checkout_push_checkout ON athm_checkout_push (checkout_id, pushed_at);
CREATE INDEX athm_checkout_push_oldest ON athm_checkout_push (pushed_at);
