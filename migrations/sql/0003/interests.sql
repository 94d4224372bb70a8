-- What somebody likes: the products of a history sorted into a few interests, each with a query of its own.
--
-- likeness = (cosine - background) / (1 - background), background the mean cosine with 64 products from all over the catalogue:
-- 0 is as like as any product, 1 the same, whatever the encoders.

CREATE TYPE person_interest AS (
    weight double precision, query halfvec, background double precision, product_ids bigint[], weights double precision[]
);

CREATE FUNCTION background_vector(space embedding_spaces) RETURNS vector LANGUAGE sql STABLE AS $$
    SELECT avg(x.fused)
      FROM (SELECT DISTINCT ON (near.product_id) near.fused::vector
              FROM (SELECT min(e.product_id) AS first, max(e.product_id) AS last
                      FROM shelfmate.product_embeddings e WHERE e.space_id = space.id) ends,
                   generate_series(0, 63) i,
                   LATERAL (SELECT e.product_id, e.fused FROM shelfmate.product_embeddings e
                             WHERE e.space_id = space.id AND e.product_id >= ends.first + (ends.last - ends.first) * i / 63
                             ORDER BY e.product_id LIMIT 1) near
             WHERE l2_norm(near.fused) > 0
             ORDER BY near.product_id) x
$$;

CREATE FUNCTION likeness(cosine double precision, background double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (cosine - background) / greatest(1 - background, 0.01)
$$;

-- Leaders first: the product that weighs most, then time and again the one that weighs most and is least alike to any leader,
-- until all are (likeness of 0.3 to one); each product joins its leader, and the means take the leaders' place twice.
CREATE FUNCTION find_interests(space embedding_spaces, history weighed_product[], most integer) RETURNS person_interest[]
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    alike CONSTANT double precision := 0.3;
    mean vector := shelfmate.background_vector(space);
    background double precision := -(mean <#> mean);
    ids bigint[];
    weights double precision[];
    vectors halfvec[];
    weighted vector[];
    nearest double precision[];
    leader integer;
    centers halfvec[] := '{}';
    assigned integer[];
BEGIN
    -- What is not embedded yet says nothing of anybody's taste.
    SELECT array_agg(h.product_id ORDER BY h.weight DESC, h.product_id), array_agg(h.weight ORDER BY h.weight DESC, h.product_id),
           array_agg(e.fused ORDER BY h.weight DESC, h.product_id),
           array_agg(shelfmate.weighted_block(e.fused, space.fused_dimensions, h.weight) ORDER BY h.weight DESC, h.product_id),
           array_agg('-Infinity'::double precision)
      INTO ids, weights, vectors, weighted, nearest
      FROM unnest(history) h
      JOIN shelfmate.product_embeddings e ON e.product_id = h.product_id AND e.space_id = space.id AND l2_norm(e.fused) > 0
     WHERE h.weight <> 0;
    WHILE cardinality(centers) < most LOOP
        SELECT x.n INTO leader FROM unnest(weights, nearest) WITH ORDINALITY x (weight, near, n)
         WHERE x.weight > 0 AND x.near < alike
         ORDER BY x.weight * (1 - greatest(x.near, -1)) DESC, x.n LIMIT 1;
        EXIT WHEN NOT FOUND;
        centers := centers || vectors[leader];
        nearest := ARRAY(SELECT greatest(x.near, shelfmate.likeness(-(x.v <#> vectors[leader]), background))
                           FROM unnest(vectors, nearest) WITH ORDINALITY x (v, near, n) ORDER BY x.n);
    END LOOP;
    IF centers = '{}' THEN
        RETURN '{}';
    END IF;
    FOR round IN 1..3 LOOP
        assigned := ARRAY(SELECT (SELECT c.n FROM unnest(centers) WITH ORDINALITY c (v, n) ORDER BY c.v <#> x.v, c.n LIMIT 1)
                            FROM unnest(vectors) WITH ORDINALITY x (v, n) ORDER BY x.n);
        EXIT WHEN round = 3 OR cardinality(centers) = 1;
        centers := ARRAY(SELECT coalesce(m.v, c.v)
                           FROM unnest(centers) WITH ORDINALITY c (v, n)
                           LEFT JOIN (SELECT x.c, l2_normalize(sum(x.v))::halfvec AS v
                                        FROM unnest(weighted, weights, assigned) x (v, weight, c) WHERE x.weight > 0 GROUP BY x.c) m
                             ON m.c = c.n
                          ORDER BY c.n);
    END LOOP;
    RETURN ARRAY(
        SELECT (i.weight, i.query::halfvec, -(i.query <#> mean), i.product_ids, i.weights)::shelfmate.person_interest
          FROM (SELECT sum(x.weight) FILTER (WHERE x.weight > 0) AS weight,
                       l2_normalize(sum(x.v)) AS query,
                       array_agg(x.id ORDER BY x.n) AS product_ids, array_agg(x.weight ORDER BY x.n) AS weights
                  FROM unnest(ids, weighted, weights, assigned) WITH ORDINALITY x (id, v, weight, c, n) GROUP BY x.c) i
         WHERE i.weight > 0 AND vector_norm(i.query) > 0
         ORDER BY i.weight DESC, i.product_ids[1]);
END $$;

CREATE FUNCTION user_interests(
    user_id text, half_life double precision DEFAULT 180, interests integer DEFAULT 5, space text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (interest integer, weight double precision, sku text, title text, product_weight double precision)
    LANGUAGE plpgsql STABLE ROWS 100 AS $$
BEGIN
    PERFORM shelfmate.check_positive(half_life, 'half_life'), shelfmate.check_interests(interests);
    as_of := coalesce(as_of, now());
    RETURN QUERY
        SELECT i.n::integer, i.weight, p.sku, p.title, x.weight
          FROM unnest(shelfmate.find_interests(
                   shelfmate.find_space(user_interests.space),
                   ARRAY(SELECT h FROM shelfmate.weigh_history(
                             shelfmate.recent_signals(user_interests.user_id, as_of), half_life, as_of) h), interests))
               WITH ORDINALITY i (weight, query, background, product_ids, weights, n),
               unnest(i.product_ids, i.weights) x (id, weight)
          JOIN shelfmate.products p ON p.id = x.id
         ORDER BY i.n, x.weight DESC, p.id;
END $$;

CREATE FUNCTION check_interests(interests integer) RETURNS void LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF interests IS NULL OR interests NOT BETWEEN 1 AND 10 THEN
        RAISE EXCEPTION 'interests is %, but must lie between 1 and 10', coalesce(interests::text, 'null')
            USING ERRCODE = 'SM005', COLUMN = 'interests';
    END IF;
END $$;

COMMENT ON TYPE person_interest IS 'One interest: its weight, the unit vector that is searched for, its mean cosine with products at large, and its products with their weights.';
COMMENT ON FUNCTION background_vector(embedding_spaces) IS 'The mean vector of 64 products spread evenly over the ids: what products at large are like.';
COMMENT ON FUNCTION likeness(double precision, double precision) IS 'A cosine on a scale from 0, as like as any product, to 1, the same.';
COMMENT ON FUNCTION find_interests(embedding_spaces, weighed_product[], integer) IS
    'The products of a history in at most so many interests, the strongest first. Products without vectors are left out; those that count against pull their interest away from them.';
COMMENT ON FUNCTION user_interests(text, double precision, integer, text, timestamptz) IS
    'The interests of one person, the strongest first, with the products that they are made of. half_life in days.';
COMMENT ON FUNCTION check_interests(integer) IS 'Refuses a number of interests that is not between 1 and 10.';
