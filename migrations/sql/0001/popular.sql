-- What is popular and what is new: the answers when nothing is alike.
--
-- popularity = l / (5 + l), l = ln(1 + evidence): 0 without evidence, below 1 always, so that it compares with a cosine.
-- evidence   = for each kind of event, the people who did it within 90 days: 10 a purchase, 5 a cart, 3 a like, 1 a click,
--              0.25 a view (one person counts once for each kind); and review_count * (rating - 1) / 2: 2 for five stars,
--              none for one.

-- Events come in the order of time: a summary of each block finds the recent ones, and costs an insert nothing.
CREATE INDEX events_occurred_at_idx ON events USING brin (occurred_at);

CREATE VIEW product_popularity AS
    SELECT s.product_id, ln(1 + s.evidence) / (5 + ln(1 + s.evidence)) AS popularity
      FROM (SELECT p.id AS product_id,
                   coalesce(e.evidence, 0) + coalesce(p.review_count * (p.rating::double precision - 1) / 2, 0) AS evidence
              FROM shelfmate.products p
              LEFT JOIN (SELECT d.product_id, sum(CASE d.kind WHEN 'purchase' THEN 10::double precision WHEN 'cart' THEN 5
                                                              WHEN 'like' THEN 3 WHEN 'click' THEN 1 ELSE 0.25 END) AS evidence
                           FROM (SELECT DISTINCT v.product_id, v.kind, v.user_id FROM shelfmate.events v
                                  WHERE v.occurred_at > now() - interval '90 days' AND v.kind <> 'rating') d
                          GROUP BY d.product_id) e ON e.product_id = p.id) s;

-- The view counts every event anew (a second for half a million of them); these are its popular products as upkeep last counted them.
-- No foreign key: a product that is deleted meanwhile must neither wait for the count nor fail it.
CREATE TABLE counted_popularity (
    product_id bigint PRIMARY KEY,
    popularity double precision NOT NULL CHECK (popularity > 0)
);
CREATE INDEX counted_popularity_popularity_idx ON counted_popularity (popularity DESC, product_id);

CREATE TABLE popularity_counts (
    only_one   boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    counted_at timestamptz NOT NULL
);

CREATE FUNCTION count_popularity() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    changed bigint;
BEGIN
    -- Sessions that count at once would wait for each other row by row: the second finds nothing left to change.
    PERFORM pg_advisory_xact_lock(hashtext('shelfmate.count_popularity'));
    WITH counted AS MATERIALIZED (
        SELECT v.product_id, v.popularity FROM shelfmate.product_popularity v WHERE v.popularity > 0
    ), deleted AS (
        DELETE FROM shelfmate.counted_popularity c
         WHERE NOT EXISTS (SELECT FROM counted n WHERE n.product_id = c.product_id) RETURNING 1
    ), stored AS (
        INSERT INTO shelfmate.counted_popularity AS c (product_id, popularity)
        SELECT n.product_id, n.popularity FROM counted n
        ON CONFLICT (product_id) DO UPDATE SET popularity = excluded.popularity
         WHERE c.popularity <> excluded.popularity RETURNING 1
    )
    SELECT (SELECT count(*) FROM deleted) + (SELECT count(*) FROM stored) INTO changed;
    INSERT INTO shelfmate.popularity_counts (counted_at) VALUES (now())
        ON CONFLICT (only_one) DO UPDATE SET counted_at = excluded.counted_at;
    RETURN changed;
END $$;

-- With check_categories false a category that does not exist matches nothing, instead of being an error.
CREATE FUNCTION popular_products(
    k integer DEFAULT 10, filter jsonb DEFAULT NULL, exclude bigint[] DEFAULT '{}', check_categories boolean DEFAULT true
) RETURNS TABLE (product_id bigint, score double precision) LANGUAGE plpgsql STABLE ROWS 10 AS $$
BEGIN
    PERFORM shelfmate.check_k(k);
    -- Without upkeep nobody counts: then the view does, slower.
    RETURN QUERY EXECUTE format(
        'SELECT p.id, c.popularity FROM shelfmate.%s c JOIN shelfmate.products p ON p.id = c.product_id
          WHERE c.popularity > 0 AND p.id <> ALL ($3) AND %s
          ORDER BY c.popularity DESC, c.product_id LIMIT $1',
        CASE WHEN EXISTS (SELECT FROM shelfmate.popularity_counts t WHERE t.counted_at > now() - interval '15 minutes')
             THEN 'counted_popularity' ELSE 'product_popularity' END,
        coalesce(shelfmate.filter_condition(filter, '$2', check_categories), 'true'))
    USING k, filter, coalesce(exclude, '{}');
END $$;

CREATE FUNCTION newest_products(
    k integer DEFAULT 10, filter jsonb DEFAULT NULL, exclude bigint[] DEFAULT '{}', check_categories boolean DEFAULT true
) RETURNS TABLE (product_id bigint, score double precision) LANGUAGE plpgsql STABLE ROWS 10 AS $$
BEGIN
    PERFORM shelfmate.check_k(k);
    RETURN QUERY EXECUTE format(
        'SELECT p.id, 1 / (1 + greatest(0, extract(epoch FROM now() - p.created_at)::double precision) / 86400)
           FROM shelfmate.products p WHERE p.id <> ALL ($3) AND %s ORDER BY p.created_at DESC, p.id LIMIT $1',
        coalesce(shelfmate.filter_condition(filter, '$2', check_categories), 'true'))
    USING k, filter, coalesce(exclude, '{}');
END $$;
CREATE INDEX products_created_at_idx ON products (created_at DESC, id);

COMMENT ON VIEW product_popularity IS
    'How popular each product is, counted now. l / (5 + l) with l = ln(1 + evidence). Evidence: 10 for each person who bought it within 90 days, 5 who put it into a cart, 3 who liked, 1 who clicked, 0.25 who viewed it, and review_count * (rating - 1) / 2.';
COMMENT ON COLUMN product_popularity.product_id IS 'products.id';
COMMENT ON COLUMN product_popularity.popularity IS 'From 0, which is without any evidence, to below 1.';
COMMENT ON TABLE counted_popularity IS 'The popular products of product_popularity, as count_popularity() last found them.';
COMMENT ON COLUMN counted_popularity.product_id IS 'products.id, of a product that may have been deleted since.';
COMMENT ON COLUMN counted_popularity.popularity IS 'product_popularity.popularity when it was counted; above 0.';
COMMENT ON TABLE popularity_counts IS 'When popularity was counted; one row, none before the first time.';
COMMENT ON COLUMN popularity_counts.only_one IS 'Keeps this to one row.';
COMMENT ON COLUMN popularity_counts.counted_at IS 'Start of the last count. popular_products counts for itself where that is 15 minutes ago.';
COMMENT ON FUNCTION count_popularity() IS 'Brings counted_popularity up to date; returns how many products changed. Upkeep calls it every few minutes.';
COMMENT ON FUNCTION popular_products(integer, jsonb, bigint[], boolean) IS
    'The k most popular products that satisfy the filter, or all with any popularity, with that as score. At most 15 minutes old; ties break by id.';
COMMENT ON FUNCTION newest_products(integer, jsonb, bigint[], boolean) IS
    'The k newest products that satisfy the filter, or all that exist. Score: 1 / (1 + age in days); ties break by id.';
