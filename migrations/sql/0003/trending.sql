-- What people are interested in now: evidence by day, kept by upkeep so that a window costs its days and not its events.
--
-- evidence of a day = for each kind of event, the people who did it that day: 10 a purchase, 5 a cart, 3 a like, 1 a click,
--                     0.25 a view; and (stars - 1) / 2 for each rating and each review: the weights of popularity.
-- recent   = sum of evidence * 2^(-age / 30) over the last 90 days, age in whole days of UTC.
-- trend    = (now - usual) / sqrt(1 + usual): now = sum of evidence * 2^(-age / half_life) over the window, usual = what that
--            would be had each day been as an average day of the four windows before. Only what is above 0 is trending.

CREATE TABLE daily_interest (
    product_id bigint NOT NULL,
    day        date NOT NULL,
    evidence   double precision NOT NULL CHECK (evidence > 0),
    PRIMARY KEY (product_id, day)
);
CREATE INDEX daily_interest_day_idx ON daily_interest (day) INCLUDE (product_id, evidence);

CREATE TABLE counted_interest (
    product_id bigint PRIMARY KEY,
    recent     double precision NOT NULL CHECK (recent > 0),
    trend      double precision NOT NULL
);
CREATE INDEX counted_interest_recent_idx ON counted_interest (recent DESC, product_id);
CREATE INDEX counted_interest_trend_idx ON counted_interest (trend DESC, product_id) WHERE trend > 0;

CREATE TABLE interest_counts (
    only_one   boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    counted_at timestamptz NOT NULL,
    whole_at   timestamptz NOT NULL
);

CREATE FUNCTION utc_day(at timestamptz) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (at AT TIME ZONE 'UTC')::date
$$;

-- The evidence itself, of signals from a day on and up to a moment.
CREATE FUNCTION count_signals(first_day date, until timestamptz)
    RETURNS TABLE (product_id bigint, day date, evidence double precision) LANGUAGE sql STABLE ROWS 10000 AS $$
    SELECT d.product_id, d.day, sum(d.evidence)
      FROM (SELECT v.product_id, v.day, CASE v.kind WHEN 'purchase' THEN 10::double precision WHEN 'cart' THEN 5
                                                    WHEN 'like' THEN 3 WHEN 'click' THEN 1 ELSE 0.25 END AS evidence
              FROM (SELECT DISTINCT e.product_id, shelfmate.utc_day(e.occurred_at) AS day, e.kind, e.user_id
                      FROM shelfmate.events e
                     WHERE e.occurred_at >= first_day::timestamp AT TIME ZONE 'UTC' AND e.occurred_at <= until AND e.kind <> 'rating') v
             UNION ALL
            SELECT e.product_id, shelfmate.utc_day(e.occurred_at), (e.value::double precision - 1) / 2
              FROM shelfmate.events e
             WHERE e.occurred_at >= first_day::timestamp AT TIME ZONE 'UTC' AND e.occurred_at <= until
               AND e.kind = 'rating' AND e.value BETWEEN 1 AND 5
             UNION ALL
            SELECT r.product_id, shelfmate.utc_day(coalesce(r.written_at, r.created_at)), (r.rating - 1) / 2::double precision
              FROM shelfmate.reviews r
             WHERE coalesce(r.written_at, r.created_at) >= first_day::timestamp AT TIME ZONE 'UTC'
               AND coalesce(r.written_at, r.created_at) <= until) d
     GROUP BY d.product_id, d.day HAVING sum(d.evidence) > 0
$$;

CREATE FUNCTION is_interest_counted() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM shelfmate.interest_counts c
                    WHERE c.counted_at > now() - interval '15 minutes' AND shelfmate.utc_day(c.counted_at) = shelfmate.utc_day(now()))
$$;

-- Evidence by day: as counted where that is fresh and reaches back so far, counted now where it does not.
CREATE FUNCTION interest_by_day(days integer, as_of timestamptz DEFAULT NULL)
    RETURNS TABLE (product_id bigint, age integer, evidence double precision) LANGUAGE plpgsql STABLE ROWS 10000 AS $$
DECLARE
    today date := shelfmate.utc_day(coalesce(as_of, now()));
BEGIN
    IF as_of IS NULL AND days <= 90 AND shelfmate.is_interest_counted() THEN
        RETURN QUERY SELECT d.product_id, today - d.day, d.evidence FROM shelfmate.daily_interest d
                      WHERE d.day > today - days AND d.day <= today;
    ELSE
        RETURN QUERY SELECT c.product_id, today - c.day, c.evidence
                       FROM shelfmate.count_signals(today - days + 1, coalesce(as_of, now())) c;
    END IF;
END $$;

CREATE FUNCTION faded(age integer, half_life double precision) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN half_life IS NULL THEN 1 ELSE power(0.5::double precision, least(1000, age / half_life)) END
$$;

-- What each product that anybody was interested in amounts to, by a window and a half-life.
CREATE FUNCTION recent_interest(days integer, half_life double precision, as_of timestamptz DEFAULT NULL)
    RETURNS TABLE (product_id bigint, amount double precision) LANGUAGE sql STABLE ROWS 10000 AS $$
    SELECT i.product_id, sum(i.evidence * shelfmate.faded(i.age, half_life) ORDER BY i.age)
      FROM shelfmate.interest_by_day(days, as_of) i GROUP BY i.product_id
$$;

CREATE FUNCTION trends(days integer, half_life double precision, as_of timestamptz DEFAULT NULL)
    RETURNS TABLE (product_id bigint, trend double precision) LANGUAGE sql STABLE ROWS 10000 AS $$
    SELECT t.product_id, (t.lately - t.usual) / sqrt(1 + t.usual)
      FROM (SELECT i.product_id,
                   coalesce(sum(i.evidence * shelfmate.faded(i.age, half_life) ORDER BY i.age) FILTER (WHERE i.age < days), 0) AS lately,
                   coalesce(sum(i.evidence ORDER BY i.age) FILTER (WHERE i.age >= days), 0) / (4 * days)
                   * (SELECT sum(shelfmate.faded(a, half_life) ORDER BY a) FROM generate_series(0, days - 1) a) AS usual
              FROM shelfmate.interest_by_day(5 * days, as_of) i GROUP BY i.product_id) t
$$;

-- The days up to yesterday change little: they are counted anew once an hour, for events that came late or were deleted.
CREATE FUNCTION count_interest() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    today date := shelfmate.utc_day(now());
    is_whole boolean;
    first_day date;
    changed bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('shelfmate.count_interest'));
    is_whole := NOT EXISTS (SELECT FROM shelfmate.interest_counts c WHERE c.whole_at > now() - interval '1 hour');
    first_day := today - CASE WHEN is_whole THEN 89 ELSE 1 END;
    WITH counted AS MATERIALIZED (
        SELECT * FROM shelfmate.count_signals(first_day, now())
    ), deleted AS (
        DELETE FROM shelfmate.daily_interest d
         WHERE d.day <= today - 90
            OR (d.day >= first_day AND NOT EXISTS (SELECT FROM counted n WHERE n.product_id = d.product_id AND n.day = d.day))
    )
    INSERT INTO shelfmate.daily_interest AS d (product_id, day, evidence)
    SELECT n.product_id, n.day, n.evidence FROM counted n
    ON CONFLICT (product_id, day) DO UPDATE SET evidence = excluded.evidence WHERE d.evidence <> excluded.evidence;
    INSERT INTO shelfmate.interest_counts AS c (counted_at, whole_at) VALUES (now(), now())
        ON CONFLICT (only_one) DO UPDATE
       SET counted_at = excluded.counted_at, whole_at = CASE WHEN is_whole THEN excluded.whole_at ELSE c.whole_at END;
    WITH counted AS MATERIALIZED (
        SELECT r.product_id, r.amount AS recent, coalesce(t.trend, 0) AS trend
          FROM shelfmate.recent_interest(90, 30) r LEFT JOIN shelfmate.trends(7, 2) t USING (product_id)
    ), deleted AS (
        DELETE FROM shelfmate.counted_interest c
         WHERE NOT EXISTS (SELECT FROM counted n WHERE n.product_id = c.product_id) RETURNING 1
    ), stored AS (
        INSERT INTO shelfmate.counted_interest AS c (product_id, recent, trend)
        SELECT n.product_id, n.recent, n.trend FROM counted n
        ON CONFLICT (product_id) DO UPDATE SET recent = excluded.recent, trend = excluded.trend
         WHERE (c.recent, c.trend) <> (excluded.recent, excluded.trend) RETURNING 1
    )
    SELECT (SELECT count(*) FROM deleted) + (SELECT count(*) FROM stored) INTO changed;
    RETURN changed;
END $$;

CREATE FUNCTION check_days(days integer) RETURNS void LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF days IS NULL OR days NOT BETWEEN 1 AND 3650 THEN
        RAISE EXCEPTION 'days is %, but must lie between 1 and 3650', coalesce(days::text, 'null')
            USING ERRCODE = 'SM005', COLUMN = 'days';
    END IF;
END $$;

DROP FUNCTION popular_products(integer, jsonb, bigint[], boolean);
CREATE FUNCTION popular_products(
    k integer DEFAULT 10, filter jsonb DEFAULT NULL, exclude bigint[] DEFAULT '{}', check_categories boolean DEFAULT true,
    days integer DEFAULT NULL, half_life double precision DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (product_id bigint, score double precision) LANGUAGE plpgsql STABLE ROWS 10 AS $$
DECLARE
    source text;
BEGIN
    PERFORM shelfmate.check_k(k);
    IF days IS NULL AND half_life IS NULL AND as_of IS NULL THEN
        -- Without upkeep nobody counts: then the view does, slower.
        source := CASE WHEN EXISTS (SELECT FROM shelfmate.popularity_counts t WHERE t.counted_at > now() - interval '15 minutes')
                       THEN 'shelfmate.counted_popularity' ELSE 'shelfmate.product_popularity' END;
        RETURN QUERY EXECUTE format(
            'SELECT p.id, c.popularity FROM %s c JOIN shelfmate.products p ON p.id = c.product_id
              WHERE c.popularity > 0 AND p.id <> ALL ($3) AND %s
              ORDER BY c.popularity DESC, c.product_id LIMIT $1',
            source, coalesce(shelfmate.filter_condition(filter, '$2', check_categories), 'true'))
        USING k, filter, coalesce(exclude, '{}');
        RETURN;
    END IF;
    days := coalesce(days, 90);
    PERFORM shelfmate.check_days(days);
    IF half_life IS NOT NULL THEN
        PERFORM shelfmate.check_positive(half_life, 'half_life');
    END IF;
    source := CASE WHEN days = 90 AND half_life = 30 AND as_of IS NULL AND shelfmate.is_interest_counted()
                   THEN '(SELECT c.product_id, c.recent AS amount FROM shelfmate.counted_interest c)'
                   ELSE 'shelfmate.recent_interest($4, $5, $6)' END;
    RETURN QUERY EXECUTE format(
        'SELECT p.id, ln(1 + c.amount) / (5 + ln(1 + c.amount)) FROM %s c JOIN shelfmate.products p ON p.id = c.product_id
          WHERE p.id <> ALL ($3) AND %s ORDER BY c.amount DESC, c.product_id LIMIT $1',
        source, coalesce(shelfmate.filter_condition(filter, '$2', check_categories), 'true'))
    USING k, filter, coalesce(exclude, '{}'), days, half_life, as_of;
END $$;

CREATE FUNCTION trending_products(
    k integer DEFAULT 10, filter jsonb DEFAULT NULL, days integer DEFAULT 7, half_life double precision DEFAULT 2,
    exclude bigint[] DEFAULT '{}', check_categories boolean DEFAULT true, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (product_id bigint, score double precision) LANGUAGE plpgsql STABLE ROWS 10 AS $$
BEGIN
    PERFORM shelfmate.check_k(k), shelfmate.check_days(days), shelfmate.check_positive(half_life, 'half_life');
    RETURN QUERY EXECUTE format(
        'SELECT p.id, c.trend FROM %s c JOIN shelfmate.products p ON p.id = c.product_id
          WHERE c.trend > 0 AND p.id <> ALL ($3) AND %s ORDER BY c.trend DESC, c.product_id LIMIT $1',
        CASE WHEN days = 7 AND half_life = 2 AND as_of IS NULL AND shelfmate.is_interest_counted()
             THEN 'shelfmate.counted_interest' ELSE 'shelfmate.trends($4, $5, $6)' END,
        coalesce(shelfmate.filter_condition(filter, '$2', check_categories), 'true'))
    USING k, filter, coalesce(exclude, '{}'), days, half_life, as_of;
END $$;

GRANT SELECT ON daily_interest, counted_interest, interest_counts TO analyst;
COMMENT ON TABLE daily_interest IS 'Evidence of interest in each product by day, of the last 90 days, as upkeep last counted it.';
COMMENT ON COLUMN daily_interest.product_id IS 'products.id, of a product that may have been deleted since.';
COMMENT ON COLUMN daily_interest.day IS 'The day, by UTC.';
COMMENT ON COLUMN daily_interest.evidence IS 'For each person and kind of event 10 a purchase, 5 a cart, 3 a like, 1 a click, 0.25 a view; (stars - 1) / 2 a rating.';
COMMENT ON TABLE counted_interest IS 'What daily_interest amounts to for each product, as count_interest() last found it.';
COMMENT ON COLUMN counted_interest.product_id IS 'products.id, of a product that may have been deleted since.';
COMMENT ON COLUMN counted_interest.recent IS 'Evidence of the last 90 days, half after 30.';
COMMENT ON COLUMN counted_interest.trend IS 'How far the last 7 days, half after 2, lie above what is usual, in units of about a standard deviation.';
COMMENT ON TABLE interest_counts IS 'When interest was counted; one row, none before the first time.';
COMMENT ON COLUMN interest_counts.only_one IS 'Keeps this to one row.';
COMMENT ON COLUMN interest_counts.counted_at IS 'Start of the last count. What needs it counts for itself where that is 15 minutes ago.';
COMMENT ON COLUMN interest_counts.whole_at IS 'Start of the last count of all 90 days; the others count today and yesterday.';
COMMENT ON FUNCTION utc_day(timestamptz) IS 'The day of a moment, by UTC.';
COMMENT ON FUNCTION count_signals(date, timestamptz) IS 'Evidence of interest by product and day, counted now from events and reviews.';
COMMENT ON FUNCTION is_interest_counted() IS 'Whether upkeep has counted interest lately.';
COMMENT ON FUNCTION interest_by_day(integer, timestamptz) IS 'Evidence by product and age in days, of so many days up to now or as_of.';
COMMENT ON FUNCTION recent_interest(integer, double precision, timestamptz) IS 'Evidence by product of so many days, half after half_life days; null for no fading.';
COMMENT ON FUNCTION faded(integer, double precision) IS 'What is left after an age, by a half-life; 1 without one.';
COMMENT ON FUNCTION trends(integer, double precision, timestamptz) IS 'How far interest in each product lies above what is usual.';
COMMENT ON FUNCTION count_interest() IS 'Brings daily_interest and counted_interest up to date; returns for how many products the latter changed. Upkeep calls it every few minutes.';
COMMENT ON FUNCTION check_days(integer) IS 'Refuses a window that is not between 1 and 3,650 days.';
COMMENT ON FUNCTION popular_products(integer, jsonb, bigint[], boolean, integer, double precision, timestamptz) IS
    'The k most popular products that satisfy the filter, or all with any popularity, with that as score; ties break by id. Without days and half_life as product_popularity has it, at most 15 minutes old. With them l / (5 + l), l = ln(1 + evidence) of the last days, half after half_life days.';
COMMENT ON FUNCTION trending_products(integer, jsonb, integer, double precision, bigint[], boolean, timestamptz) IS
    'The k products that satisfy the filter and that people are interested in more than usual, most of all first. days is the window, half_life in days.';
