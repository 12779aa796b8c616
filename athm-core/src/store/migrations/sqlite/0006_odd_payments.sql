-- What is sold by weight has no whole quantity: decimals, as text.
CREATE TABLE athm_item_of_decimals (
    transaction_id BLOB    NOT NULL REFERENCES athm_transaction (id),
    position       INTEGER NOT NULL,
    name           TEXT    NOT NULL,
    description    TEXT    NOT NULL,
    quantity       TEXT    NOT NULL,
    price          INTEGER NOT NULL,
    tax            INTEGER NOT NULL,
    metadata       TEXT    NOT NULL,
    sku            TEXT    NOT NULL,
    PRIMARY KEY (transaction_id, position)
) STRICT, WITHOUT ROWID;

INSERT INTO athm_item_of_decimals
SELECT transaction_id, position, name, description, CAST(quantity AS TEXT), price, tax, metadata, sku FROM athm_item;

DROP TABLE athm_item;
ALTER TABLE athm_item_of_decimals RENAME TO athm_item;

-- What a person must look at: an impossible total, a reference number that another payment has.
ALTER TABLE athm_transaction ADD COLUMN problem TEXT;
CREATE INDEX athm_transaction_problem ON athm_transaction (created_at, id) WHERE problem IS NOT NULL;
