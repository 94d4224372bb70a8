-- trending.sql undone.
DROP FUNCTION trending_products(integer, jsonb, integer, double precision, bigint[], boolean, timestamptz),
    popular_products(integer, jsonb, bigint[], boolean, integer, double precision, timestamptz), check_days(integer), count_interest(),
    trends(integer, double precision, timestamptz), recent_interest(integer, double precision, timestamptz),
    faded(integer, double precision), interest_by_day(integer, timestamptz), is_interest_counted(), count_signals(date, timestamptz),
    utc_day(timestamptz);
DROP TABLE daily_interest, counted_interest, interest_counts;
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
COMMENT ON FUNCTION popular_products(integer, jsonb, bigint[], boolean) IS
    'The k most popular products that satisfy the filter, or all with any popularity, with that as score. At most 15 minutes old; ties break by id.';
