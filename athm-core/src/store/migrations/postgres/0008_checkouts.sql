-- What customers are asked to pay on a page, the payments that were opened for that, and how often a phone was asked to
-- approve.
CREATE TABLE athm_checkout (
    id              UUID    NOT NULL PRIMARY KEY,
    idempotency_key TEXT    UNIQUE,
    total           BIGINT NOT NULL,
    subtotal        BIGINT,
    tax             BIGINT NOT NULL,
    metadata_1      TEXT    NOT NULL,
    metadata_2      TEXT    NOT NULL,
    items           TEXT    NOT NULL,
    timeout         BIGINT NOT NULL,
    language        TEXT,
    return_url      TEXT,
    form_token      TEXT    NOT NULL,
    email           TEXT,
    cancelled_at    TIMESTAMPTZ,
    created_at      TIMESTAMPTZ NOT NULL
);

-- Times of ends_at and due_at are by this server's clock. ends_at: when the call that opens it counts as ended. due_at: when it is looked up next, while it waits.
CREATE TABLE athm_checkout_payment (
    id           UUID    NOT NULL PRIMARY KEY,
    checkout_id  UUID    NOT NULL REFERENCES athm_checkout (id),
    number       INTEGER NOT NULL,
    ecommerce_id UUID    UNIQUE,
    phone        TEXT,
    failure      TEXT,
    opened_at    TIMESTAMPTZ NOT NULL,
    ends_at      TIMESTAMPTZ,
    due_at       TIMESTAMPTZ,
    UNIQUE (checkout_id, number)
);

CREATE INDEX athm_checkout_payment_watched ON athm_checkout_payment (id) WHERE due_at IS NOT NULL;
CREATE INDEX athm_checkout_payment_repeated ON athm_checkout_payment (checkout_id) WHERE number > 1;

CREATE TABLE athm_checkout_push (
    id          UUID    NOT NULL PRIMARY KEY,
    phone       TEXT    NOT NULL,
    checkout_id UUID    NOT NULL,
    pushed_at   TIMESTAMPTZ NOT NULL
);

CREATE INDEX athm_checkout_push_phone ON athm_checkout_push (phone, pushed_at);
CREATE INDEX athm_checkout_push_checkout ON athm_checkout_push (checkout_id, pushed_at);
CREATE INDEX athm_checkout_push_oldest ON athm_checkout_push (pushed_at);
