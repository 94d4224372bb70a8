-- How products score against the examples and rules of a query, and which of them come first.

CREATE TYPE scored_product AS (product_id bigint, score double precision, contributions jsonb, examples jsonb);

-- Likeness of products to each example, by modality; weights and signs are in it.
CREATE FUNCTION compare_products(space embedding_spaces, product_ids bigint[], examples query_example[])
    RETURNS TABLE (product_id bigint, example bigint, text double precision, image double precision, reviews double precision)
    LANGUAGE plpgsql STABLE ROWS 20 AS $$
DECLARE
    text_dimensions CONSTANT integer := space.text_dimensions;
    image_dimensions CONSTANT integer := space.image_dimensions;
    reviews_dimensions CONSTANT integer := space.reviews_dimensions;
    first_image CONSTANT integer := 1 + text_dimensions;
    first_review CONSTANT integer := first_image + image_dimensions;
BEGIN
    RETURN QUERY
    SELECT e.product_id, x.n,
           CASE WHEN text_dimensions > 0 THEN coalesce(
               x.weight * x.text_factor * -(subvector(e.fused, 1, text_dimensions) <#> x.text), 0) END,
           CASE WHEN image_dimensions > 0 THEN coalesce(
               x.weight * x.image_factor * -(subvector(e.fused, first_image, image_dimensions) <#> x.image), 0) END,
           CASE WHEN reviews_dimensions > 0 THEN coalesce(
               x.weight * x.reviews_factor * -(subvector(e.fused, first_review, reviews_dimensions) <#> x.reviews), 0) END
      FROM shelfmate.product_embeddings e, unnest(examples) WITH ORDINALITY
           x (kind, place, weight, product_id, text, image, reviews, text_factor, image_factor, reviews_factor, n)
     WHERE e.space_id = space.id AND e.product_id = ANY (product_ids);
END $$;

-- Under average a product scores the sum of its likenesses, under best_score that to the nearest example.
CREATE FUNCTION score_products(space embedding_spaces, product_ids bigint[], examples query_example[], strategy text DEFAULT 'average')
    RETURNS scored_product[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF strategy = 'best_score' THEN
        RETURN ARRAY(
            SELECT DISTINCT ON (c.product_id) (c.product_id, t.total,
                   jsonb_strip_nulls(jsonb_build_object('text', c.text, 'image', c.image, 'reviews', c.reviews)),
                   jsonb_build_array(jsonb_build_object(examples[c.example].kind, examples[c.example].place, 'contribution', t.total))
                   )::shelfmate.scored_product
              FROM shelfmate.compare_products(space, product_ids, examples) c,
                   LATERAL (SELECT coalesce(c.text, 0) + coalesce(c.image, 0) + coalesce(c.reviews, 0) AS total) t
             -- The nearest is the one with the greatest likeness before its sign; to be opposite to an unlike is no merit.
             ORDER BY c.product_id, CASE WHEN examples[c.example].weight > 0 THEN t.total
                                         WHEN t.total < 0 THEN -t.total ELSE '-Infinity' END DESC, c.example);
    END IF;
    RETURN ARRAY(
        SELECT (c.product_id, coalesce(sum(c.text), 0) + coalesce(sum(c.image), 0) + coalesce(sum(c.reviews), 0),
                jsonb_strip_nulls(jsonb_build_object('text', sum(c.text), 'image', sum(c.image), 'reviews', sum(c.reviews))),
                jsonb_agg(jsonb_build_object(examples[c.example].kind, examples[c.example].place, 'contribution',
                                             coalesce(c.text, 0) + coalesce(c.image, 0) + coalesce(c.reviews, 0)) ORDER BY c.example)
                )::shelfmate.scored_product
          FROM shelfmate.compare_products(space, product_ids, examples) c GROUP BY c.product_id);
END $$;

-- What the rules add to the score of products.
CREATE FUNCTION rule_effects(rules ranking_rules[], product_ids bigint[])
    RETURNS TABLE (product_id bigint, rule text, amount double precision) LANGUAGE plpgsql STABLE ROWS 20 AS $$
DECLARE
    rule shelfmate.ranking_rules;
BEGIN
    FOREACH rule IN ARRAY rules LOOP
        CONTINUE WHEN rule.action NOT IN ('boost', 'bury');
        RETURN QUERY EXECUTE format('SELECT p.id, $3, $4 FROM shelfmate.products p WHERE p.id = ANY ($1) AND %s',
                                    shelfmate.filter_condition(rule.filter, '$2', false))
            USING product_ids, rule.filter, 'rule:' || rule.name, CASE rule.action WHEN 'boost' THEN rule.amount ELSE -rule.amount END;
    END LOOP;
END $$;

-- Scores with the rules in them, best first; of each variant group only its best, if so asked.
CREATE FUNCTION order_products(scored scored_product[], rules ranking_rules[], one_per_variant_group boolean, pinned bigint[])
    RETURNS scored_product[]
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    answer shelfmate.scored_product[];
BEGIN
    IF rules = '{}' AND NOT one_per_variant_group THEN
        RETURN ARRAY(SELECT (s.product_id, s.score, s.contributions, s.examples)::shelfmate.scored_product
                       FROM unnest(scored) s ORDER BY s.score DESC, s.product_id);
    END IF;
    WITH effect AS (
        SELECT f.product_id, sum(f.amount) AS amount, jsonb_object_agg(f.rule, f.amount) AS reasons
          FROM shelfmate.rule_effects(rules, ARRAY(SELECT s.product_id FROM unnest(scored) s)) f GROUP BY f.product_id
    ), ruled AS (
        SELECT s.product_id, s.score + coalesce(f.amount, 0) AS score,
               s.contributions || coalesce(f.reasons, '{}') AS contributions, s.examples
          FROM unnest(scored) s LEFT JOIN effect f ON f.product_id = s.product_id
    ), grouped AS (
        SELECT r.*, one_per_variant_group AND p.variant_group IS NOT NULL
                    AND row_number() OVER (PARTITION BY p.variant_group
                                            ORDER BY r.product_id = ANY (pinned) DESC, r.score DESC, r.product_id) > 1 AS is_variant
          FROM ruled r JOIN shelfmate.products p ON p.id = r.product_id
    )
    SELECT coalesce(array_agg((g.product_id, g.score, g.contributions, g.examples)::shelfmate.scored_product
                              ORDER BY g.score DESC, g.product_id), '{}')
      INTO answer FROM grouped g WHERE NOT g.is_variant;
    RETURN answer;
END $$;

-- The first products for the examples and rules. Each query vector is asked for its own list, and once more inside each filter
-- that a boost lifts; what no list holds scores at most bound, and the lists grow until enough products score that much.
CREATE FUNCTION rank_examples(
    space embedding_spaces, examples query_example[], strategy text, rules ranking_rules[], filter jsonb, exclude bigint[],
    exact boolean, pinned bigint[], wanted integer, one_per_variant_group boolean, threshold double precision,
    OUT ranked scored_product[], OUT mode text
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    everything CONSTANT integer := 10000000;
    depth integer := wanted;
    origins bigint[] := ARRAY(SELECT x.product_id FROM unnest(examples) x WHERE x.product_id IS NOT NULL);
    lift double precision := coalesce((SELECT sum(r.amount) FROM unnest(rules) r WHERE r.action = 'boost'), 0);
    lifted jsonb[] := ARRAY(SELECT r.filter FROM unnest(rules) r WHERE r.action = 'boost');
    likes shelfmate.query_example[] := ARRAY(SELECT x FROM unnest(examples) x WHERE x.kind = 'like');
    is_best boolean := strategy = 'best_score';
    queries halfvec[];
    pools shelfmate.candidate_list[];
    pool shelfmate.candidate_list;
    scored shelfmate.scored_product[];
    last_score double precision;
    bound double precision;
BEGIN
    IF is_best THEN
        queries := ARRAY(SELECT shelfmate.combine_examples(space, ARRAY[x]) FROM unnest(likes) x);
    ELSE
        queries := ARRAY[shelfmate.combine_examples(space, examples)];
    END IF;
    LOOP
        pools := '{}';
        FOR which IN 1..cardinality(queries) LOOP
            FOR place IN 0..cardinality(lifted) LOOP
                pools := pools || shelfmate.find_candidates(
                    space, queries[which], depth,
                    CASE WHEN place = 0 THEN filter ELSE shelfmate.both_filters(lifted[place], filter) END,
                    -- What is only unlike points to where no product is, and no graph leads there.
                    exclude, exact OR depth = everything OR likes = '{}', origins, false);
            END LOOP;
        END LOOP;
        mode := 'exact';
        scored := shelfmate.score_products(
            space, CASE WHEN cardinality(pools) = 1 AND pinned = '{}' THEN pools[1].product_ids
                        ELSE ARRAY(SELECT unnest(p.product_ids) FROM unnest(pools) p UNION SELECT unnest(pinned)) END,
            examples, strategy);
        ranked := shelfmate.order_products(scored, rules, one_per_variant_group, pinned);
        IF cardinality(pools) = 1 AND rules = '{}' AND NOT one_per_variant_group AND NOT is_best THEN
            mode := pools[1].mode;
            EXIT;
        END IF;
        -- What a list leaves out is less alike than its last; what is nearer to an unlike scores below 0.
        bound := '-Infinity';
        FOR place IN 0..cardinality(pools) - 1 LOOP
            pool := pools[place + 1];
            IF pool.mode = 'ann' THEN
                mode := 'ann';
            END IF;
            CONTINUE WHEN pool.is_all;
            SELECT min(s.score) INTO last_score
              FROM unnest(CASE WHEN is_best THEN shelfmate.score_products(
                              space, pool.product_ids, ARRAY[likes[1 + place / (1 + cardinality(lifted))]]) ELSE scored END) s
             WHERE s.product_id = ANY (pool.product_ids);
            IF cardinality(likes) < cardinality(examples) AND is_best THEN
                last_score := greatest(last_score, 0);
            END IF;
            bound := greatest(bound, last_score + CASE WHEN place % (1 + cardinality(lifted)) = 0 THEN 0 ELSE lift END);
        END LOOP;
        EXIT WHEN bound = '-Infinity' OR depth = everything OR threshold > bound
             OR (cardinality(ranked) >= wanted AND ranked[wanted].score >= bound - 1e-9);
        depth := CASE WHEN depth >= 1000 THEN everything ELSE least(4 * depth, 1000) END;
    END LOOP;
END $$;

COMMENT ON TYPE scored_product IS 'A product with its score, the parts of modalities and rules in it, and those of the examples.';
COMMENT ON FUNCTION compare_products(embedding_spaces, bigint[], query_example[]) IS 'Likeness of products to each example, by modality, weights and signs included.';
COMMENT ON FUNCTION score_products(embedding_spaces, bigint[], query_example[], text) IS 'Scores of products under a strategy, with their parts.';
COMMENT ON FUNCTION rule_effects(ranking_rules[], bigint[]) IS 'What boost and bury rules add to the score of products.';
COMMENT ON FUNCTION order_products(scored_product[], ranking_rules[], boolean, bigint[]) IS
    'Products with the rules in their scores, best first, ties by id; one of each variant group if so asked, a pinned one before the best.';
COMMENT ON FUNCTION rank_examples(embedding_spaces, query_example[], text, ranking_rules[], jsonb, bigint[], boolean, bigint[], integer, boolean, double precision) IS
    'The first products for examples and rules, and whether the graph (ann) or a sort of all (exact) found them.';
