-- Payments are searched by what the merchant wrote, and by who paid.
ALTER TABLE athm_customer
    ALTER COLUMN phone TYPE TEXT COLLATE "C",
    ALTER COLUMN email TYPE TEXT COLLATE "C";
CREATE INDEX athm_transaction_metadata ON athm_transaction (metadata_1, created_at, id);
ALTER TABLE athm_customer
    ALTER COLUMN phone TYPE TEXT COLLATE "C",
    ALTER COLUMN email TYPE TEXT COLLATE "C";
CREATE INDEX athm_customer_phone ON athm_customer (phone) WHERE phone IS NOT NULL;
CREATE INDEX athm_customer_email ON athm_customer (lower(email));
