-- Words for machines compare byte by byte, so that no index, and no uniqueness of money, rests on the collation of the
-- database: an upgrade of the system's libraries may change that one under an index.
ALTER TABLE athm_transaction
    ALTER COLUMN kind TYPE TEXT COLLATE "C",
    ALTER COLUMN status TYPE TEXT COLLATE "C",
    ALTER COLUMN reference_number TYPE TEXT COLLATE "C",
    ALTER COLUMN metadata_1 TYPE TEXT COLLATE "C";
ALTER TABLE athm_event ALTER COLUMN transition TYPE TEXT COLLATE "C";
ALTER TABLE athm_delivery
    ALTER COLUMN signal TYPE TEXT COLLATE "C",
    ALTER COLUMN receiver TYPE TEXT COLLATE "C",
    ALTER COLUMN state TYPE TEXT COLLATE "C";
ALTER TABLE athm_inbox
    ALTER COLUMN state TYPE TEXT COLLATE "C",
    ALTER COLUMN payment TYPE TEXT COLLATE "C";
ALTER TABLE athm_operation ALTER COLUMN operation TYPE TEXT COLLATE "C";
ALTER TABLE athm_refund
    ALTER COLUMN state TYPE TEXT COLLATE "C",
    ALTER COLUMN reference_number TYPE TEXT COLLATE "C";
ALTER TABLE athm_checkout ALTER COLUMN idempotency_key TYPE TEXT COLLATE "C";
ALTER TABLE athm_checkout_push ALTER COLUMN phone TYPE TEXT COLLATE "C";
