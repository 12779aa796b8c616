-- Due deliveries are found by their receiver: those that no process can run are never read by a claim.
DROP INDEX athm_delivery_due;
CREATE INDEX athm_delivery_runnable ON athm_delivery ((signal || ':' || receiver), due_at, id)
    WHERE state IN ('due', 'running');
