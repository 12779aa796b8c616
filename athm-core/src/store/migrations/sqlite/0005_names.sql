-- Tables and columns are called what the code calls them: polls, and operations whose outcome isn't known.
ALTER TABLE athm_errand RENAME TO athm_poll;
DROP INDEX athm_errand_due;
CREATE INDEX athm_poll_due ON athm_poll (due_at);

ALTER TABLE athm_intent RENAME TO athm_operation;
ALTER TABLE athm_operation RENAME COLUMN looks TO attempts;
DROP INDEX athm_intent_due;
CREATE INDEX athm_operation_due ON athm_operation (due_at);
