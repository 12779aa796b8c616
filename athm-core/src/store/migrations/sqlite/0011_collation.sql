-- SQLite compares text byte by byte. The twin of this version on PostgreSQL says so there, too.
SELECT 1;
