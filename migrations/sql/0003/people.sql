-- Recommendations for somebody: by their interests, by what others had with the same products, and by what people want now.
--
-- score = likeness + w_popularity * popularity + w_together * together
-- likeness   to the interest, as interests.sql has it.
-- popularity = l / (5 + l), l = ln(1 + recent evidence), as trending.sql has it.
-- together   = sqrt(share of the people with the same products who had this one), as together.sql has it.
-- Each interest ranks all candidates. A product that is nth there claims a place with weight / (2n - 1), and the greatest claim
-- of any interest counts: seats by the method of Webster and Sainte-Lague, so that a small interest has its share of any length.
-- The fifth of every ten places is for a discovery: a product that few had yet, which evidence cannot lead to, and that is most
-- like what the person likes.

CREATE TYPE person_recommendation AS (
    "position" integer, sku text, title text, score double precision,
    source text, reason text, reason_sku text, reason_title text, contributions jsonb, interest integer,
    product_id bigint, brand text, category text, price numeric, currency text, in_stock boolean, variant_group text,
    space text, mode text
);

CREATE TYPE person_choice AS (
    product_id bigint, score double precision, source text, reason_id bigint, contributions jsonb, interest integer
);

CREATE FUNCTION popularity_now(product_ids bigint[], as_of timestamptz DEFAULT NULL)
    RETURNS TABLE (product_id bigint, popularity double precision) LANGUAGE plpgsql STABLE ROWS 100 AS $$
BEGIN
    IF as_of IS NULL AND shelfmate.is_interest_counted() THEN
        RETURN QUERY SELECT c.product_id, ln(1 + c.recent) / (5 + ln(1 + c.recent))
                       FROM shelfmate.counted_interest c WHERE c.product_id = ANY (product_ids);
    ELSE
        RETURN QUERY SELECT r.product_id, ln(1 + r.amount) / (5 + ln(1 + r.amount))
                       FROM shelfmate.recent_interest(90, 30, as_of) r WHERE r.product_id = ANY (product_ids);
    END IF;
END $$;

-- Ids of the products that satisfy a filter, of those that are given.
CREATE FUNCTION matching_products(product_ids bigint[], filter jsonb) RETURNS bigint[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    answer bigint[];
BEGIN
    EXECUTE format('SELECT array_agg(p.id) FROM shelfmate.products p WHERE p.id = ANY ($1) AND %s',
                   coalesce(shelfmate.filter_condition(filter, '$2', false), 'true'))
       INTO answer USING product_ids, filter;
    RETURN coalesce(answer, '{}');
END $$;

-- The products nearest to each interest, depth of each, and whether all that match were compared. A filter is looked at once for all
-- interests: where few match, by comparing these with every interest; where many do, in what is near without it.
CREATE FUNCTION near_interests(
    space embedding_spaces, interests person_interest[], depth integer, filter jsonb, exclude bigint[], exact boolean,
    asked bigint[], matched bigint[],
    OUT product_ids bigint[], OUT mode text
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    condition CONSTANT text := shelfmate.filter_condition(filter, '$1', false);
    -- As find_candidates() has it: more than that are found through the graph.
    most CONSTANT integer := 1.4 * sqrt(4.4 * 1.5 * depth * shelfmate.estimated_rows(space.id));
    usual CONSTANT double precision := cardinality(matched) / greatest(1, cardinality(asked))::double precision;
    share double precision;
    interest shelfmate.person_interest;
    found shelfmate.candidate_list;
    matching bigint[];
    hits bigint[];
BEGIN
    IF condition IS NOT NULL AND NOT exact THEN
        EXECUTE format('SELECT array_agg(few.id) FROM (SELECT p.id FROM shelfmate.products p WHERE %s LIMIT $2) few', condition)
           INTO matching USING filter, most + 1;
        IF coalesce(cardinality(matching), 0) <= most THEN
            mode := 'exact';
            product_ids := ARRAY(
                WITH fit AS MATERIALIZED (
                    SELECT e.product_id, e.fused FROM shelfmate.product_embeddings e
                     WHERE e.space_id = space.id AND e.product_id = ANY (matching) AND e.product_id <> ALL (exclude)
                )
                SELECT DISTINCT n.product_id
                  FROM unnest(interests) i,
                       LATERAL (SELECT f.product_id FROM fit f ORDER BY f.fused <#> i.query, f.product_id LIMIT depth) n);
            RETURN;
        END IF;
    END IF;
    mode := 'exact';
    product_ids := '{}';
    FOREACH interest IN ARRAY interests LOOP
        hits := NULL;
        -- Of what is near an interest about as many match as of its own products: where those are few, as of all that were asked.
        share := (4 * usual + (SELECT count(*) FROM unnest(interest.product_ids) m (id) WHERE m.id = ANY (matched)))
                 / (4 + cardinality(interest.product_ids));
        -- The product that weighs most is the graph's witness; it is left out of the answer, and looked at with the history.
        IF condition IS NOT NULL AND NOT exact AND share >= 0.45 AND depth <= 200 THEN
            found := shelfmate.find_candidates(space, interest.query, (1.3 * depth / share)::integer + 10, NULL,
                                               array_remove(exclude, interest.product_ids[1]), false, interest.product_ids[1:1], false);
            hits := shelfmate.matching_products(found.product_ids, filter);
        END IF;
        IF hits IS NULL OR cardinality(hits) < depth THEN
            found := shelfmate.find_candidates(space, interest.query, depth, filter, array_remove(exclude, interest.product_ids[1]), exact,
                                               interest.product_ids[1:1], false);
            hits := found.product_ids;
        END IF;
        IF found.mode = 'ann' THEN
            mode := 'ann';
        END IF;
        product_ids := product_ids || hits;
    END LOOP;
END $$;

-- Those of some products that fewer than five purchases, ratings and reviews tell of.
CREATE FUNCTION little_known(product_ids bigint[], as_of timestamptz DEFAULT NULL) RETURNS bigint[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY(
        SELECT c.id FROM unnest(product_ids) c (id)
         WHERE (SELECT count(*) FROM (SELECT FROM shelfmate.events e
                                       WHERE e.product_id = c.id AND e.kind IN ('purchase', 'rating')
                                         AND (as_of IS NULL OR e.occurred_at <= as_of) LIMIT 5) told)
             + (SELECT count(*) FROM (SELECT FROM shelfmate.reviews r
                                       WHERE r.product_id = c.id
                                         AND (as_of IS NULL OR coalesce(r.written_at, r.created_at) <= as_of) LIMIT 5) told) < 5)
$$;

-- The best for somebody with interests. A product is considered that is among the nearest of an interest (200 for all of them
-- together), the 200 that most people had besides, or the 100 that most people want now.
CREATE FUNCTION choose_by_interest(
    space embedding_spaces, interests person_interest[], history weighed_product[], k integer, filter jsonb, exclude bigint[],
    w_popularity double precision, w_together double precision, one_per_variant_group boolean, discover boolean,
    exact boolean, as_of timestamptz,
    OUT choices person_choice[], OUT mode text
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    -- The same for every k up to 100, so that a list is the beginning of a longer one.
    depth CONSTANT integer := greatest(CASE WHEN k > 100 THEN k ELSE 0 END, 200 / cardinality(interests));
    pool bigint[];
    near bigint[];
    asked bigint[];
    matched bigint[];
    beside bigint[];
    shares double precision[];
    reasons bigint[];
BEGIN
    IF w_together > 0 THEN
        SELECT array_agg(t.product_id), array_agg(t.share), array_agg(t.reason_id) INTO beside, shares, reasons
          FROM shelfmate.together_evidence(history, as_of) t;
    END IF;
    asked := ARRAY(SELECT h.product_id FROM unnest(history) h
                   UNION
                   (SELECT t.id FROM unnest(beside, shares) t (id, share) WHERE t.id <> ALL (exclude) ORDER BY t.share DESC, t.id LIMIT 200));
    -- Without a filter, too: of pairs that were counted a product may be deleted since.
    matched := shelfmate.matching_products(asked, filter);
    SELECT n.product_ids, n.mode INTO near, mode
      FROM shelfmate.near_interests(space, interests, depth, filter, exclude, exact, asked, matched) n;
    pool := near || ARRAY(SELECT m.id FROM unnest(matched) m (id) WHERE m.id <> ALL (exclude));
    IF w_popularity > 0 THEN
        pool := pool || ARRAY(SELECT c.product_id FROM shelfmate.popular_products(100, filter, exclude, false, 90, 30, as_of) c);
    END IF;
    choices := ARRAY(
        WITH part AS MATERIALIZED (
            SELECT c.id, CASE WHEN l2_norm(e.fused) > 0 THEN e.fused END AS fused, coalesce(w_popularity * p.popularity, 0) AS popularity, coalesce(w_together * sqrt(t.share), 0) AS together,
                   t.reason_id
              FROM (SELECT DISTINCT u.id FROM unnest(pool) u (id)) c
              LEFT JOIN shelfmate.product_embeddings e ON e.product_id = c.id AND e.space_id = space.id
              LEFT JOIN shelfmate.popularity_now(pool, as_of) p ON w_popularity > 0 AND p.product_id = c.id
              LEFT JOIN unnest(beside, shares, reasons) t (id, share, reason_id) ON t.id = c.id
        ), liked AS MATERIALIZED (
            -- Kept apart from what sorts, which would drag the vectors along.
            SELECT p.id, i.n, i.weight, p.popularity, p.together, p.reason_id,
                   -- What has no vectors is as like as any product.
                   coalesce(shelfmate.likeness(-(p.fused <#> i.query), i.background), 0) AS likeness
              FROM part p, unnest(interests) WITH ORDINALITY i (weight, query, background, product_ids, weights, n)
        ), placed AS (
            SELECT l.*, l.likeness + l.popularity + l.together AS score,
                   row_number() OVER (PARTITION BY l.n ORDER BY l.likeness + l.popularity + l.together DESC, l.id) AS place
              FROM liked l
        ), claimed AS (
            SELECT DISTINCT ON (p.id) p.*, p.weight / (2 * p.place - 1) AS claim
              FROM placed p ORDER BY p.id, p.weight / (2 * p.place - 1) DESC, p.n
        ), apart AS (
            SELECT c.*, o.variant_group IS NOT NULL AND one_per_variant_group
                        AND row_number() OVER (PARTITION BY o.variant_group ORDER BY c.claim DESC, c.n, c.id) > 1 AS is_variant
              FROM claimed c JOIN shelfmate.products o ON o.id = c.id
        ), ordered AS MATERIALIZED (
            SELECT a.*, row_number() OVER (ORDER BY a.claim DESC, a.n, a.id) AS standing,
                   -- As like as two products of one interest are, and not theirs already.
                   discover AND a.likeness >= 0.3 AND NOT EXISTS (SELECT FROM unnest(history) h WHERE h.product_id = a.id) AS is_like
              FROM apart a WHERE NOT a.is_variant
        ), discovered AS (
            SELECT o.id, 10 * row_number() OVER (ORDER BY o.weight * o.likeness DESC, o.id) - 5 AS seat
              FROM unnest(shelfmate.little_known(ARRAY(SELECT l.id FROM ordered l WHERE l.is_like), as_of)) little (id)
              JOIN ordered o USING (id)
        ), seated AS (
            -- What has an earlier place anyway keeps it.
            SELECT o.*, d.seat, row_number() OVER (PARTITION BY d.seat IS NULL ORDER BY o.standing) AS nth
              FROM ordered o LEFT JOIN discovered d ON d.id = o.id AND d.seat < o.standing
        ), chosen AS (
            -- The others stand around the seats: four, then nine between two of them.
            SELECT s.*, coalesce(s.seat, s.nth + (s.nth + 4) / 9) AS final FROM seated s ORDER BY final LIMIT k
        )
        SELECT (c.id, c.score, s.source, CASE s.source WHEN 'bought_together' THEN c.reason_id ELSE liked.reason_id END,
                jsonb_build_object('likeness', c.likeness, 'popularity', c.popularity, 'together', c.together), c.n)::shelfmate.person_choice
          FROM chosen c,
               LATERAL (SELECT CASE WHEN c.seat IS NOT NULL THEN 'discovery'
                                    WHEN c.together > 0 AND c.together >= greatest(c.likeness, c.popularity) THEN 'bought_together'
                                    -- As like as two products of one interest are: what led there, even if many want it besides.
                                    WHEN c.likeness >= least(0.3, greatest(c.popularity, c.together)) AND c.likeness > 0 THEN 'interest'
                                    WHEN c.together > 0 AND c.together >= c.popularity THEN 'bought_together'
                                    WHEN c.popularity > 0 THEN 'popular' ELSE 'interest' END AS source) s
          LEFT JOIN LATERAL (
               SELECT m.id AS reason_id
                 FROM unnest(interests[c.n].product_ids, interests[c.n].weights) m (id, weight)
                 JOIN shelfmate.product_embeddings a ON a.product_id = m.id AND a.space_id = space.id
                 JOIN shelfmate.product_embeddings b ON b.product_id = c.id AND b.space_id = space.id
                WHERE m.weight > 0 AND m.id <> c.id
                ORDER BY m.weight * shelfmate.likeness(-(a.fused <#> b.fused), interests[c.n].background) DESC, m.id LIMIT 1) liked
            ON s.source IN ('interest', 'discovery')
         ORDER BY c.final);
END $$;

-- For somebody new, or where nothing else is left: of every ten places about five popular, three trending and two newest.
CREATE FUNCTION choose_for_anybody(
    k integer, filter jsonb, exclude bigint[], one_per_variant_group boolean, shown bigint[], as_of timestamptz
) RETURNS person_choice[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY(
        SELECT (f.product_id, f.score, f.source, NULL, jsonb_build_object(f.source, f.score), NULL)::shelfmate.person_choice
          FROM (SELECT d.*, o.variant_group IS NOT NULL AND one_per_variant_group
                            AND (row_number() OVER (PARTITION BY o.variant_group ORDER BY d.claim DESC, d.product_id) > 1
                                 OR EXISTS (SELECT FROM shelfmate.products s
                                             WHERE s.id = ANY (shown) AND s.variant_group = o.variant_group)) AS is_variant
                  FROM (SELECT DISTINCT ON (c.product_id) c.product_id, c.score, c.source, c.claim
                          FROM (SELECT p.product_id, p.score, 'popular' AS source,
                                       0.5 / (2 * row_number() OVER (ORDER BY p.score DESC, p.product_id) - 1) AS claim
                                  FROM shelfmate.popular_products(least(1000, 2 * k + 20), filter, exclude || shown, false,
                                                                  CASE WHEN as_of IS NOT NULL THEN 3650 END, NULL, as_of) p
                                 UNION ALL
                                SELECT t.product_id, t.score, 'trending',
                                       0.3 / (2 * row_number() OVER (ORDER BY t.score DESC, t.product_id) - 1)
                                  FROM shelfmate.trending_products(least(1000, 2 * k + 20), filter, 7, 2, exclude || shown, false, as_of) t
                                 UNION ALL
                                SELECT n.product_id, n.score, 'newest',
                                       0.2 / (2 * row_number() OVER (ORDER BY n.score DESC, n.product_id) - 1)
                                  FROM shelfmate.newest_products(least(1000, 2 * k + 20), filter, exclude || shown, false) n) c
                         ORDER BY c.product_id, c.claim DESC, c.source) d
                  JOIN shelfmate.products o ON o.id = d.product_id) f
         WHERE NOT f.is_variant ORDER BY f.claim DESC, f.product_id LIMIT greatest(0, k))
$$;

CREATE FUNCTION recommend_for_history(
    history weighed_product[], k integer, filter jsonb, exclude bigint[], interests integer,
    w_popularity double precision, w_together double precision, one_per_variant_group boolean, fallback boolean, discover boolean,
    space embedding_spaces, exact boolean, as_of timestamptz
) RETURNS SETOF person_recommendation LANGUAGE plpgsql STABLE ROWS 10 AS $$
DECLARE
    found shelfmate.person_interest[] := shelfmate.find_interests(space, history, interests);
    choices shelfmate.person_choice[] := '{}';
    mode text := 'exact';
BEGIN
    IF found <> '{}' THEN
        SELECT c.choices, c.mode INTO choices, mode
          FROM shelfmate.choose_by_interest(space, found, history, k, filter, exclude, w_popularity, w_together,
                                            one_per_variant_group, discover, exact, as_of) c;
    END IF;
    IF cardinality(choices) < k AND fallback THEN
        choices := choices || shelfmate.choose_for_anybody(k - cardinality(choices), filter, exclude, one_per_variant_group,
                                                           ARRAY(SELECT c.product_id FROM unnest(choices) c), as_of);
    END IF;
    RETURN QUERY
        SELECT c.place::integer, p.sku, p.title, c.score, c.source,
               CASE c.source WHEN 'interest' THEN coalesce('because you liked ' || r.title, 'like what you know')
                             WHEN 'discovery' THEN coalesce('few had it yet, and like ' || r.title, 'few had it yet')
                             WHEN 'bought_together' THEN 'often bought with ' || r.title
                             WHEN 'popular' THEN 'popular now' WHEN 'trending' THEN 'trending' ELSE 'new' END,
               r.sku, r.title, c.contributions, c.interest,
               p.id, p.brand, p.category, p.price, p.currency, p.in_stock, p.variant_group, space.name, mode
          FROM unnest(choices) WITH ORDINALITY c (product_id, score, source, reason_id, contributions, interest, place)
          JOIN shelfmate.products p ON p.id = c.product_id
          LEFT JOIN shelfmate.products r ON r.id = c.reason_id
         ORDER BY c.place;
END $$;

COMMENT ON TYPE person_recommendation IS
    'A product for somebody. source: interest where its likeness is 0.3 or the greatest part of the score, else bought_together or popular, whichever is greater; discovery in the places kept for what few had yet; trending and newest fill up; reason_sku is the product of the history that it comes from. position is the order: interests take turns, so that score may rise.';
COMMENT ON TYPE person_choice IS 'A product that was chosen for somebody, and why.';
COMMENT ON FUNCTION popularity_now(bigint[], timestamptz) IS 'How much people want some products now, from 0 to below 1: l / (5 + l), l = ln(1 + evidence of 90 days, half after 30).';
COMMENT ON FUNCTION matching_products(bigint[], jsonb) IS 'Those of some products that satisfy a filter.';
COMMENT ON FUNCTION near_interests(embedding_spaces, person_interest[], integer, jsonb, bigint[], boolean, bigint[], bigint[]) IS
    'The products nearest to each of some interests, in no order, and how they were found. Of the products asked for, the history among them, those matched satisfy the filter.';
COMMENT ON FUNCTION little_known(bigint[], timestamptz) IS 'Those of some products that have fewer than five purchases, ratings and reviews.';
COMMENT ON FUNCTION choose_by_interest(embedding_spaces, person_interest[], weighed_product[], integer, jsonb, bigint[], double precision, double precision, boolean, boolean, boolean, timestamptz) IS
    'The best products for somebody with interests, and how the vectors were compared.';
COMMENT ON FUNCTION choose_for_anybody(integer, jsonb, bigint[], boolean, bigint[], timestamptz) IS 'Popular, trending and newest products in turn, by 5 : 3 : 2.';
COMMENT ON FUNCTION recommend_for_history(weighed_product[], integer, jsonb, bigint[], integer, double precision, double precision, boolean, boolean, boolean, embedding_spaces, boolean, timestamptz) IS
    'Recommendations by a weighed history: of its interests, and what anybody may like where those give too few.';
