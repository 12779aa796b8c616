-- What the provider is to be asked about a payment although no message says so: an open one of ours, how it stands; a
-- completed one, who paid.
CREATE TABLE athm_errand (
    transaction_id UUID NOT NULL PRIMARY KEY REFERENCES athm_transaction (id),
    attempts       INTEGER NOT NULL,
    due_at         TIMESTAMPTZ NOT NULL
);

CREATE INDEX athm_errand_due ON athm_errand (due_at);

INSERT INTO athm_errand (transaction_id, attempts, due_at)
SELECT id, 0, created_at FROM athm_transaction
WHERE deadline IS NOT NULL AND status IN ('open', 'confirmed') AND ecommerce_id IS NOT NULL;

-- Messages without a name are tied to open payments of ours that are like them.
CREATE INDEX athm_transaction_open ON athm_transaction (metadata_1, total)
    WHERE deadline IS NOT NULL AND status IN ('open', 'confirmed');
