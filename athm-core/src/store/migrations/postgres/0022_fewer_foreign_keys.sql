-- Items, events and deliveries are inserted in the transaction that inserts their parent or has locked it. Events are never
-- deleted, and payments only by a merge, which moves or deletes what belongs to them. So no row can lose its parent, and
-- checking that would take a fifth of the server's time for each payment.
ALTER TABLE athm_item DROP CONSTRAINT IF EXISTS athm_item_transaction_id_fkey;
ALTER TABLE athm_event DROP CONSTRAINT IF EXISTS athm_event_transaction_id_fkey;
ALTER TABLE athm_delivery DROP CONSTRAINT IF EXISTS athm_delivery_event_id_fkey;
