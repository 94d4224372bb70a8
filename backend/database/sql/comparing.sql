-- Comparisons of spaces that are asked for over HTTP.

-- lock: one comparison runs at a time; the connection's end lets it go
SELECT pg_try_advisory_lock(hashtext('shelfmate.comparing'));
