-- Checking a foreign key costs SQLite little. The twin of this version on PostgreSQL drops some.
SELECT 1;
