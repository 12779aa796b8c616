-- What is sold by weight has no whole quantity: decimals, as text.
ALTER TABLE athm_item ALTER COLUMN quantity TYPE TEXT USING quantity::text;

-- What a person must look at: an impossible total, a reference number that another payment has.
ALTER TABLE athm_transaction ADD COLUMN problem TEXT;
CREATE INDEX athm_transaction_problem ON athm_transaction (created_at, id) WHERE problem IS NOT NULL;
