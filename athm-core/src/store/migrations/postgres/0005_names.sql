-- Tables and columns are called what the code calls them: polls, and operations whose outcome isn't known.
ALTER TABLE athm_errand RENAME TO athm_poll;
ALTER INDEX IF EXISTS athm_errand_pkey RENAME TO athm_poll_pkey;
ALTER INDEX IF EXISTS athm_errand_due RENAME TO athm_poll_due;

ALTER TABLE athm_intent RENAME TO athm_operation;
ALTER TABLE athm_operation RENAME COLUMN looks TO attempts;
ALTER INDEX IF EXISTS athm_intent_pkey RENAME TO athm_operation_pkey;
ALTER INDEX IF EXISTS athm_intent_transaction_id_operation_key RENAME TO athm_operation_transaction_id_operation_key;
ALTER INDEX IF EXISTS athm_intent_due RENAME TO athm_operation_due;
