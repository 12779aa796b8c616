-- Fewer indexes to write for each payment. Succeeded deliveries are pruned in the order of their ids, which grow with time,
-- and nearly all messages are recorded, so that their index is that of all messages.
DROP INDEX athm_delivery_succeeded;
DROP INDEX athm_message_newest_by_state;
CREATE INDEX athm_message_newest_by_state ON athm_message (state, received_at, id) WHERE state <> 'recorded';
