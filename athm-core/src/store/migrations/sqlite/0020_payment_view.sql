-- Payments for people and reports: ids and times as text, dollars as decimal text.
CREATE VIEW athm_payment AS SELECT
    CASE WHEN t.id IS NOT NULL THEN lower(substr(hex(t.id), 1, 8) || '-' || substr(hex(t.id), 9, 4) || '-' || substr(hex(t.id), 13, 4) || '-'
        || substr(hex(t.id), 17, 4) || '-' || substr(hex(t.id), 21)) END AS id,
    CASE WHEN t.ecommerce_id IS NOT NULL THEN lower(substr(hex(t.ecommerce_id), 1, 8) || '-' || substr(hex(t.ecommerce_id), 9, 4) || '-' || substr(hex(t.ecommerce_id), 13, 4) || '-'
        || substr(hex(t.ecommerce_id), 17, 4) || '-' || substr(hex(t.ecommerce_id), 21)) END AS ecommerce_id,
    t.reference_number,
    t.daily_transaction_id,
    t.kind,
    t.status,
    CASE WHEN t.total < 0 THEN '-' ELSE '' END || printf('%d.%02d', abs(t.total) / 100, abs(t.total) % 100) AS total,
    CASE WHEN t.subtotal < 0 THEN '-' ELSE '' END || printf('%d.%02d', abs(t.subtotal) / 100, abs(t.subtotal) % 100) AS subtotal,
    CASE WHEN t.tax < 0 THEN '-' ELSE '' END || printf('%d.%02d', abs(t.tax) / 100, abs(t.tax) % 100) AS tax,
    CASE WHEN t.fee < 0 THEN '-' ELSE '' END || printf('%d.%02d', abs(t.fee) / 100, abs(t.fee) % 100) AS fee,
    CASE WHEN t.net_amount < 0 THEN '-' ELSE '' END || printf('%d.%02d', abs(t.net_amount) / 100, abs(t.net_amount) % 100) AS net_amount,
    CASE WHEN t.refunded_amount < 0 THEN '-' ELSE '' END || printf('%d.%02d', abs(t.refunded_amount) / 100, abs(t.refunded_amount) % 100) AS refunded_amount,
    CASE WHEN t.expected_total IS NOT NULL THEN printf('%d.%02d', t.expected_total / 100, t.expected_total % 100) END AS expected_total,
    t.metadata_1,
    t.metadata_2,
    c.name AS customer_name,
    c.phone AS customer_phone,
    c.email AS customer_email,
    strftime('%Y-%m-%dT%H:%M:%SZ', t.created_at / 1000000, 'unixepoch') AS created_at,
    strftime('%Y-%m-%dT%H:%M:%SZ', t.updated_at / 1000000, 'unixepoch') AS updated_at,
    strftime('%Y-%m-%dT%H:%M:%SZ', t.date / 1000000, 'unixepoch') AS date,
    strftime('%Y-%m-%dT%H:%M:%SZ', t.deadline / 1000000, 'unixepoch') AS deadline,
    t.problem
FROM athm_transaction t LEFT JOIN athm_customer c ON c.transaction_id = t.id;
