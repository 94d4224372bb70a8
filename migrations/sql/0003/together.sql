-- What is bought together: by how many people both of two products were bought or rated.
--
-- Of each person the newest 50 products of the window count, and of each product the 50 that most people had with it, so that
-- neither a reseller nor a best seller costs more than that. bought together = people / (5 + sqrt(buyers * buyers of the other)):
-- the cosine of the two, less where few people say it.

-- A product with itself is the number of people who have it.
CREATE TABLE bought_pairs (
    product_id bigint NOT NULL,
    other_id   bigint NOT NULL,
    people     bigint NOT NULL CHECK (people > 0),
    PRIMARY KEY (product_id, other_id)
);

CREATE TABLE bought_counts (
    only_one   boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    counted_at timestamptz NOT NULL
);

CREATE FUNCTION is_bought_counted() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM shelfmate.bought_counts c WHERE c.counted_at > now() - interval '3 hours')
$$;

-- Pairs of some products, or with null of all; counted now.
CREATE FUNCTION count_pairs(product_ids bigint[], days integer, until timestamptz)
    RETURNS TABLE (product_id bigint, other_id bigint, people bigint) LANGUAGE plpgsql STABLE ROWS 1000 AS $$
DECLARE
    since timestamptz := until - make_interval(days => days);
    buyers text[];
BEGIN
    IF product_ids IS NOT NULL THEN
        buyers := ARRAY(SELECT DISTINCT s.user_id FROM shelfmate.user_signals s
                         WHERE s.product_id = ANY (product_ids) AND s.kind IN ('purchase', 'rating')
                           AND s.occurred_at > since AND s.occurred_at <= until);
    END IF;
    RETURN QUERY EXECUTE format(
        'WITH baskets AS MATERIALIZED (
             SELECT b.user_id, b.product_id
               FROM (SELECT s.user_id, s.product_id,
                            row_number() OVER (PARTITION BY s.user_id ORDER BY max(s.occurred_at) DESC, s.product_id) AS place
                       FROM shelfmate.user_signals s
                      WHERE %1$s AND s.kind IN (''purchase'', ''rating'') AND s.occurred_at > $1 AND s.occurred_at <= $2
                      GROUP BY s.user_id, s.product_id) b
              WHERE b.place <= 50)
         SELECT c.product_id, c.other_id, c.people
           FROM (SELECT a.product_id, b.product_id AS other_id, count(*) AS people,
                        row_number() OVER (PARTITION BY a.product_id
                                           ORDER BY a.product_id = b.product_id DESC, count(*) DESC, b.product_id) AS place
                   FROM baskets a JOIN baskets b USING (user_id) WHERE %2$s
                  GROUP BY a.product_id, b.product_id) c
          WHERE c.place <= 51',
        CASE WHEN product_ids IS NULL THEN 'true' ELSE 's.user_id = ANY ($3)' END,
        CASE WHEN product_ids IS NULL THEN 'true' ELSE 'a.product_id = ANY ($4)' END)
    USING since, until, buyers, product_ids;
END $$;

-- Pairs of some products: as counted where that is fresh, counted now where it is not.
CREATE FUNCTION pairs_of(product_ids bigint[], days integer DEFAULT 730, as_of timestamptz DEFAULT NULL)
    RETURNS TABLE (product_id bigint, other_id bigint, people bigint) LANGUAGE plpgsql STABLE ROWS 1000 AS $$
BEGIN
    IF days = 730 AND as_of IS NULL AND shelfmate.is_bought_counted() THEN
        RETURN QUERY SELECT b.product_id, b.other_id, b.people FROM shelfmate.bought_pairs b WHERE b.product_id = ANY (product_ids);
    ELSE
        RETURN QUERY SELECT * FROM shelfmate.count_pairs(product_ids, days, coalesce(as_of, now()));
    END IF;
END $$;

CREATE FUNCTION count_bought_together() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    changed bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('shelfmate.count_bought_together'));
    WITH counted AS MATERIALIZED (
        SELECT * FROM shelfmate.count_pairs(NULL, 730, now())
    ), deleted AS (
        DELETE FROM shelfmate.bought_pairs b
         WHERE NOT EXISTS (SELECT FROM counted n WHERE n.product_id = b.product_id AND n.other_id = b.other_id) RETURNING 1
    ), stored AS (
        INSERT INTO shelfmate.bought_pairs AS b (product_id, other_id, people)
        SELECT n.product_id, n.other_id, n.people FROM counted n
        ON CONFLICT (product_id, other_id) DO UPDATE SET people = excluded.people WHERE b.people <> excluded.people RETURNING 1
    )
    SELECT (SELECT count(*) FROM deleted) + (SELECT count(*) FROM stored) INTO changed;
    INSERT INTO shelfmate.bought_counts (counted_at) VALUES (now())
        ON CONFLICT (only_one) DO UPDATE SET counted_at = excluded.counted_at;
    RETURN changed;
END $$;

CREATE TYPE bought_product AS (
    sku text, title text, score double precision, people bigint,
    product_id bigint, brand text, category text, price numeric, currency text, in_stock boolean, variant_group text
);

CREATE FUNCTION bought_together(
    sku text, k integer DEFAULT 10, filter jsonb DEFAULT NULL, days integer DEFAULT 730, as_of timestamptz DEFAULT NULL
) RETURNS SETOF bought_product LANGUAGE plpgsql STABLE ROWS 10 AS $$
DECLARE
    asked ALIAS FOR $1;
    origin bigint;
    others bigint[];
BEGIN
    PERFORM shelfmate.check_k(k), shelfmate.check_days(days);
    SELECT p.id INTO origin FROM shelfmate.products p WHERE p.sku = asked;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no product with sku %', asked USING ERRCODE = 'SM001', COLUMN = 'sku';
    END IF;
    others := ARRAY(SELECT o.other_id FROM shelfmate.pairs_of(ARRAY[origin], days, as_of) o);
    RETURN QUERY EXECUTE format(
        'SELECT p.sku, p.title, o.people / (5 + sqrt(mine.people::double precision * theirs.people)), o.people,
                p.id, p.brand, p.category, p.price, p.currency, p.in_stock, p.variant_group
           FROM shelfmate.pairs_of(ARRAY[$3], $4, $5) mine
           JOIN shelfmate.pairs_of(ARRAY[$3], $4, $5) o ON o.other_id <> $3
           JOIN shelfmate.pairs_of($6, $4, $5) theirs ON theirs.product_id = o.other_id AND theirs.other_id = o.other_id
           JOIN shelfmate.products p ON p.id = o.other_id
          WHERE mine.other_id = $3 AND %s
          ORDER BY 3 DESC, p.id LIMIT $1', coalesce(shelfmate.filter_condition(filter, '$2'), 'true'))
    USING k, filter, origin, days, as_of, others;
END $$;

-- What people who had the products of a history had besides: the share of them, all products pooled.
CREATE FUNCTION together_evidence(history weighed_product[], as_of timestamptz DEFAULT NULL)
    RETURNS TABLE (product_id bigint, share double precision, reason_id bigint) LANGUAGE sql STABLE ROWS 1000 AS $$
    WITH pairs AS MATERIALIZED (
        SELECT o.product_id, o.other_id, o.people * h.involvement AS amount
          FROM unnest(history) h
          JOIN shelfmate.pairs_of(ARRAY(SELECT x.product_id FROM unnest(history) x WHERE x.involvement > 0), 730, as_of) o
            ON o.product_id = h.product_id
    )
    SELECT p.other_id, sum(p.amount ORDER BY p.product_id) / (5 + t.total), (array_agg(p.product_id ORDER BY p.amount DESC, p.product_id))[1]
      FROM pairs p, (SELECT coalesce(sum(d.amount ORDER BY d.product_id), 0) AS total FROM pairs d WHERE d.product_id = d.other_id) t
     WHERE p.product_id <> p.other_id GROUP BY p.other_id, t.total
$$;

CREATE VIEW bought_together_pairs AS
    SELECT o.product_id, o.other_id, o.people,
           o.people / (5 + sqrt(mine.people::double precision * theirs.people)) AS score
      FROM shelfmate.bought_pairs o
      JOIN shelfmate.bought_pairs mine ON mine.product_id = o.product_id AND mine.other_id = o.product_id
      JOIN shelfmate.bought_pairs theirs ON theirs.product_id = o.other_id AND theirs.other_id = o.other_id
     WHERE o.product_id <> o.other_id;

GRANT SELECT ON bought_pairs, bought_counts, bought_together_pairs TO analyst;
COMMENT ON TABLE bought_pairs IS 'How many people had both of two products, as count_bought_together() last found it.';
COMMENT ON COLUMN bought_pairs.product_id IS 'products.id, of a product that may have been deleted since.';
COMMENT ON COLUMN bought_pairs.other_id IS 'The other product; product_id itself for the number of people who had it at all.';
COMMENT ON COLUMN bought_pairs.people IS 'People who bought or rated both within two years.';
COMMENT ON TABLE bought_counts IS 'When pairs were counted; one row, none before the first time.';
COMMENT ON COLUMN bought_counts.only_one IS 'Keeps this to one row.';
COMMENT ON COLUMN bought_counts.counted_at IS 'Start of the last count. What needs it counts for itself where that is three hours ago.';
COMMENT ON TYPE bought_product IS 'A product that was bought with another: score, how many people had both, and what a shop shows of it.';
COMMENT ON VIEW bought_together_pairs IS 'Products that were bought together, as upkeep last counted them.';
COMMENT ON COLUMN bought_together_pairs.product_id IS 'products.id';
COMMENT ON COLUMN bought_together_pairs.other_id IS 'products.id of the product that was bought with it.';
COMMENT ON COLUMN bought_together_pairs.people IS 'People who bought or rated both within two years.';
COMMENT ON COLUMN bought_together_pairs.score IS 'people / (5 + sqrt(people with the one * people with the other)).';
COMMENT ON FUNCTION is_bought_counted() IS 'Whether upkeep has counted pairs lately.';
COMMENT ON FUNCTION count_pairs(bigint[], integer, timestamptz) IS
    'Pairs of products by people who bought or rated both within so many days, counted now: of some products, or with null of all.';
COMMENT ON FUNCTION pairs_of(bigint[], integer, timestamptz) IS 'Pairs of some products, and each with itself: as counted, or counted now.';
COMMENT ON FUNCTION count_bought_together() IS 'Brings bought_pairs up to date; returns how many pairs changed. Upkeep calls it every hour.';
COMMENT ON FUNCTION bought_together(text, integer, jsonb, integer, timestamptz) IS
    'The k products that satisfy the filter and were most bought together with this one. Score: people / (5 + sqrt(buyers of the one * buyers of the other)); ties break by id.';
COMMENT ON FUNCTION together_evidence(weighed_product[], timestamptz) IS
    'For products that people had with those of a history: the share of those people, pooled over the history, and the product of it that says most.';
