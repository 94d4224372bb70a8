-- How much waits to be embedded, as HTTP asks it with every write.

-- is_full: whether so many products wait for the active space, in either line; the count ends there
SELECT count(*) >= %(most)s
  FROM (SELECT FROM shelfmate.embedding_spaces s CROSS JOIN LATERAL (
            (SELECT FROM shelfmate.embedding_jobs j
              WHERE j.state = 'queued' AND j.losses < 2 AND j.priority = 0 AND j.space_id = s.id LIMIT %(most)s)
            UNION ALL
            (SELECT FROM shelfmate.embedding_jobs j
              WHERE j.state = 'queued' AND j.losses < 2 AND j.priority > 0 AND j.space_id = s.id LIMIT %(most)s)) either
         WHERE s.state = 'active' LIMIT %(most)s) waiting;

-- waiting: how many of these products the active space has not embedded since their last edit, and could
SELECT count(*)
  FROM shelfmate.products p
  JOIN shelfmate.embedding_spaces s ON s.state = 'active'
  JOIN shelfmate.embedding_jobs j ON j.product_id = p.id AND j.space_id = s.id AND j.state <> 'dead'
 WHERE p.sku = ANY (%(skus)s::text[]);
