-- Deliveries that wait until the provider has named the customer. Their due time is when they wait no longer.
ALTER TABLE athm_delivery ADD COLUMN waits_for_customer BOOLEAN NOT NULL DEFAULT false;
