-- recommend(): like these and not like those, with the shop's rules, diversity, variants and what stands in when too little is alike.

CREATE TYPE scored_product AS (product_id bigint, score double precision, contributions jsonb, examples jsonb);

CREATE TYPE recommended_product AS (
    "position" integer, sku text, title text, score double precision, contributions jsonb, examples jsonb,
    product_id bigint, brand text, category text, price numeric, currency text, in_stock boolean,
    variant_group text, variants text[], source text, space text, mode text
);

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
CREATE FUNCTION order_products(scored scored_product[], rules ranking_rules[], one_per_variant_group boolean) RETURNS scored_product[]
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
                    AND row_number() OVER (PARTITION BY p.variant_group ORDER BY r.score DESC, r.product_id) > 1 AS is_variant
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
                    exclude, exact OR depth = everything, origins, false);
            END LOOP;
        END LOOP;
        mode := 'exact';
        scored := shelfmate.score_products(
            space, CASE WHEN cardinality(pools) = 1 AND pinned = '{}' THEN pools[1].product_ids
                        ELSE ARRAY(SELECT unnest(p.product_ids) FROM unnest(pools) p UNION SELECT unnest(pinned)) END,
            examples, strategy);
        ranked := shelfmate.order_products(scored, rules, one_per_variant_group);
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

CREATE FUNCTION list_variants(product products, filter jsonb) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    skus text[];
BEGIN
    EXECUTE format('SELECT array_agg(p.sku ORDER BY p.id) FROM shelfmate.products p WHERE p.variant_group = $1 AND p.id <> $3 AND %s',
                   coalesce(shelfmate.filter_condition(filter, '$2', false), 'true'))
       INTO skus USING product.variant_group, filter, product.id;
    RETURN coalesce(skus, '{}');
END $$;

-- Flat, so that many rules do not become as many levels.
CREATE FUNCTION both_filters(one jsonb, other jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN other IS NULL THEN one
                WHEN other - 'all' = '{}' AND jsonb_typeof(other -> 'all') = 'array'
                THEN jsonb_build_object('all', jsonb_build_array(one) || (other -> 'all'))
                ELSE jsonb_build_object('all', jsonb_build_array(one, other)) END
$$;

-- A flag or text of the query, checked.
CREATE FUNCTION flag_at(object jsonb, name text, otherwise boolean) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF object -> name IS NULL OR object -> name = 'null' THEN
        RETURN otherwise;
    ELSIF jsonb_typeof(object -> name) <> 'boolean' THEN
        RAISE EXCEPTION '% is true or false', name USING ERRCODE = 'SM005', COLUMN = name;
    END IF;
    RETURN (object ->> name)::boolean;
END $$;

CREATE FUNCTION text_at(object jsonb, name text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF jsonb_typeof(object -> name) NOT IN ('string', 'null') THEN
        RAISE EXCEPTION '% is a text', name USING ERRCODE = 'SM005', COLUMN = name;
    END IF;
    RETURN object ->> name;
END $$;

CREATE FUNCTION check_query(query jsonb) RETURNS void LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    unknown text;
BEGIN
    IF query IS NULL OR jsonb_typeof(query) <> 'object' THEN
        RAISE EXCEPTION 'a query is an object such as {"like": [{"sku": "A1"}], "k": 10}' USING ERRCODE = 'SM005', COLUMN = 'query';
    END IF;
    SELECT key INTO unknown FROM jsonb_object_keys(query) key
     WHERE key NOT IN ('like', 'unlike', 'strategy', 'weights', 'k', 'filter', 'exclude', 'score_threshold', 'exact', 'space',
                       'diversity', 'one_per_variant_group', 'rules', 'placement', 'fallback', 'as_of') LIMIT 1;
    IF unknown IS NOT NULL THEN
        RAISE EXCEPTION 'a query has no field %', unknown USING ERRCODE = 'SM005', COLUMN = unknown;
    END IF;
    IF coalesce(shelfmate.text_at(query, 'strategy'), 'average') NOT IN ('average', 'best_score') THEN
        RAISE EXCEPTION 'strategy is average or best_score' USING ERRCODE = 'SM005', COLUMN = 'strategy';
    END IF;
    IF NOT coalesce(shelfmate.number_at(query, 'diversity', ''), 0) BETWEEN 0 AND 1 THEN
        RAISE EXCEPTION 'diversity lies between 0 and 1' USING ERRCODE = 'SM005', COLUMN = 'diversity';
    END IF;
    IF shelfmate.number_at(query, 'k', '') <> floor(shelfmate.number_at(query, 'k', '')) THEN
        RAISE EXCEPTION 'k is a whole number' USING ERRCODE = 'SM005', COLUMN = 'k';
    END IF;
    PERFORM shelfmate.check_k(coalesce(shelfmate.number_at(query, 'k', ''), 10)::integer);
    IF jsonb_typeof(query -> 'exclude') NOT IN ('array', 'null')
       OR (query -> 'exclude' <> 'null' AND jsonb_path_exists(query, '$.exclude[*] ? (@.type() != "string")')) THEN
        RAISE EXCEPTION 'exclude is a list of skus' USING ERRCODE = 'SM005', COLUMN = 'exclude';
    END IF;
END $$;

CREATE FUNCTION recommend(query jsonb) RETURNS SETOF recommended_product LANGUAGE plpgsql STABLE ROWS 10
    SET search_path FROM CURRENT
AS $$
DECLARE
    chosen shelfmate.embedding_spaces;
    examples shelfmate.query_example[];
    strategy text;
    k integer;
    diversity double precision;
    threshold double precision;
    one_per_group boolean;
    exact boolean;
    own_filter jsonb := nullif(query -> 'filter', 'null');
    filter jsonb;
    exclude bigint[];
    rules shelfmate.ranking_rules[] := '{}';
    rule shelfmate.ranking_rules;
    pinned bigint[] := '{}';
    pin bigint;
    wanted integer;
    ranked shelfmate.scored_product[] := '{}';
    mode text := 'exact';
    ids bigint[];
    sources text[];
    category text;
    found_id bigint;
BEGIN
    PERFORM shelfmate.check_query(query);
    chosen := shelfmate.find_space(shelfmate.text_at(query, 'space'));
    strategy := coalesce(query ->> 'strategy', 'average');
    k := coalesce((query ->> 'k')::numeric, 10);
    diversity := coalesce(shelfmate.number_at(query, 'diversity', ''), 0);
    threshold := shelfmate.number_at(query, 'score_threshold', '');
    one_per_group := shelfmate.flag_at(query, 'one_per_variant_group', false);
    exact := shelfmate.flag_at(query, 'exact', false);
    examples := shelfmate.read_examples(chosen, query, shelfmate.query_weights(chosen, query -> 'weights'));
    IF examples = '{}' AND NOT shelfmate.flag_at(query, 'fallback', false) THEN
        RAISE EXCEPTION 'a query needs an example: a sku or a vector in like or unlike' USING ERRCODE = 'SM005', COLUMN = 'like';
    ELSIF strategy = 'best_score' AND examples <> '{}' AND NOT EXISTS (SELECT FROM unnest(examples) x WHERE x.kind = 'like') THEN
        RAISE EXCEPTION 'best_score needs a like' USING ERRCODE = 'SM005', COLUMN = 'like';
    END IF;
    exclude := ARRAY(SELECT p.id FROM jsonb_array_elements_text(nullif(query -> 'exclude', 'null')) x (sku)
                       JOIN shelfmate.products p ON p.sku = x.sku);

    -- The request's filter is checked against the catalogue; a rule's may name a category that is gone.
    PERFORM shelfmate.filter_condition(own_filter);
    filter := own_filter;
    IF shelfmate.text_at(query, 'as_of') IS NOT NULL THEN
        filter := shelfmate.both_filters(jsonb_build_object('field', 'created_at', 'lte', query -> 'as_of'), filter);
    END IF;
    IF shelfmate.flag_at(query, 'rules', true) THEN
        FOR rule IN SELECT * FROM shelfmate.active_rules(shelfmate.text_at(query, 'placement')) LOOP
            IF rule.action = 'hide' THEN
                filter := shelfmate.both_filters(jsonb_build_object('not', rule.filter), filter);
            ELSE
                rules := rules || rule;
            END IF;
        END LOOP;
        -- A product is pinned where the request would take it at all.
        FOR rule IN SELECT * FROM unnest(rules) r WHERE r.action = 'pin' ORDER BY r.position, r.id LOOP
            EXECUTE format('SELECT p.id FROM shelfmate.products p WHERE p.sku = $1 AND %s',
                           coalesce(shelfmate.filter_condition(filter, '$2', false), 'true'))
               INTO pin USING rule.sku, filter;
            IF pin IS NOT NULL AND pin <> ALL (exclude || pinned)
               AND NOT EXISTS (SELECT FROM unnest(examples) x WHERE x.product_id = pin) THEN
                pinned := pinned || pin;
            END IF;
        END LOOP;
    END IF;

    IF examples <> '{}' THEN
        -- Enough to choose from where likeness alone does not decide.
        wanted := k + CASE WHEN diversity > 0 THEN least(1000 - k, greatest(4 * k, 40)) ELSE 0 END;
        SELECT r.ranked, r.mode INTO ranked, mode
          FROM shelfmate.rank_examples(chosen, examples, strategy, rules, filter, exclude, exact, pinned, wanted,
                                       one_per_group, threshold) r;
    END IF;
    ids := ARRAY(SELECT r.product_id FROM unnest(ranked) WITH ORDINALITY r (product_id, score, contributions, examples, place)
                  WHERE r.product_id <> ALL (pinned) AND (threshold IS NULL OR r.score >= threshold) ORDER BY r.place LIMIT wanted);
    IF diversity > 0 AND ids <> '{}' THEN
        ids := shelfmate.diversify(
            chosen, ids, ARRAY(SELECT r.score FROM unnest(ids) WITH ORDINALITY i (id, place)
                                 JOIN unnest(ranked) r ON r.product_id = i.id ORDER BY i.place), k, diversity);
    END IF;
    ids := ids[1:k];
    sources := array_fill('similar'::text, ARRAY[cardinality(ids)]);

    IF cardinality(ids) + cardinality(pinned) < k AND shelfmate.flag_at(query, 'fallback', false) THEN
        exclude := exclude || ARRAY(SELECT p.id FROM jsonb_path_query(query, '$.like[*].sku') x (sku)
                                      JOIN shelfmate.products p ON p.sku = x.sku #>> '{}')
                           || ARRAY(SELECT x.product_id FROM unnest(examples) x WHERE x.product_id IS NOT NULL);
        SELECT p.category INTO category FROM shelfmate.products p WHERE p.sku = jsonb_path_query_first(query, '$.like[*].sku') #>> '{}';
        FOR found_id IN SELECT p.product_id FROM shelfmate.popular_products(
                k - cardinality(ids || pinned),
                CASE WHEN category IS NULL THEN filter
                     ELSE shelfmate.both_filters(jsonb_build_object('field', 'category', 'under', category), filter) END,
                exclude || ids || pinned, false) p ORDER BY p.score DESC, p.product_id LOOP
            ids := ids || found_id;
            sources := sources || 'popular'::text;
        END LOOP;
        IF cardinality(ids || pinned) < k THEN
            FOR found_id IN SELECT p.product_id FROM shelfmate.newest_products(
                    k - cardinality(ids || pinned), filter, exclude || ids || pinned, false) p ORDER BY p.score DESC, p.product_id LOOP
                ids := ids || found_id;
                sources := sources || 'newest'::text;
            END LOOP;
        END IF;
    END IF;

    -- Of two rules for one position the older one gets it, and the other the next.
    FOR rule IN SELECT * FROM unnest(rules) r WHERE r.action = 'pin' ORDER BY r.position, r.id DESC LOOP
        SELECT p.id INTO pin FROM shelfmate.products p WHERE p.sku = rule.sku AND p.id = ANY (pinned);
        CONTINUE WHEN pin IS NULL OR pin = ANY (ids);
        ids := ids[1:rule.position - 1] || pin || ids[rule.position:];
        sources := sources[1:rule.position - 1] || 'pinned'::text || sources[rule.position:];
    END LOOP;

    RETURN QUERY
        SELECT i.place::integer, p.sku, p.title, coalesce(r.score, 0), coalesce(r.contributions, '{}'), coalesce(r.examples, '[]'),
               p.id, p.brand, p.category, p.price, p.currency, p.in_stock, p.variant_group,
               CASE WHEN one_per_group THEN shelfmate.list_variants(p, filter) ELSE '{}' END,
               i.source, chosen.name, mode
          FROM unnest(ids[1:k], sources[1:k]) WITH ORDINALITY i (id, source, place)
          JOIN shelfmate.products p ON p.id = i.id
          LEFT JOIN unnest(ranked) r ON r.product_id = i.id
         ORDER BY i.place;
END $$;

COMMENT ON TYPE scored_product IS 'A product with its score, the parts of modalities and rules in it, and those of the examples.';
COMMENT ON TYPE recommended_product IS
    'A recommended product. contributions has the part of each modality and rule in the score, and adds up to it; examples has that of each example. source: similar, pinned, popular or newest.';
COMMENT ON FUNCTION compare_products(embedding_spaces, bigint[], query_example[]) IS 'Likeness of products to each example, by modality, weights and signs included.';
COMMENT ON FUNCTION score_products(embedding_spaces, bigint[], query_example[], text) IS 'Scores of products under a strategy, with their parts.';
COMMENT ON FUNCTION rule_effects(ranking_rules[], bigint[]) IS 'What boost and bury rules add to the score of products.';
COMMENT ON FUNCTION order_products(scored_product[], ranking_rules[], boolean) IS 'Products with the rules in their scores, best first, ties by id; one of each variant group if so asked.';
COMMENT ON FUNCTION rank_examples(embedding_spaces, query_example[], text, ranking_rules[], jsonb, bigint[], boolean, bigint[], integer, boolean, double precision) IS
    'The first products for examples and rules, and whether the graph (ann) or a sort of all (exact) found them.';
COMMENT ON FUNCTION list_variants(products, jsonb) IS 'Skus of the other members of a product''s variant group that satisfy a filter.';
COMMENT ON FUNCTION both_filters(jsonb, jsonb) IS 'A filter that asks for both; the second may be null.';
COMMENT ON FUNCTION flag_at(jsonb, text, boolean) IS 'True or false of a JSON object by name.';
COMMENT ON FUNCTION text_at(jsonb, text) IS 'A text of a JSON object by name.';
COMMENT ON FUNCTION check_query(jsonb) IS 'Refuses a query with an unknown field or one of the wrong type.';
COMMENT ON FUNCTION recommend(jsonb) IS
    'Products like these and not like those. {"like": [{"sku": "A1"}], "unlike": [{"vector": {"text": [...]}}], "strategy": "average"|"best_score", "weights": {"text": 1}, "k": 10, "filter": {...}, "exclude": ["A2"], "score_threshold": 0.5, "exact": false, "space": null, "diversity": 0.3, "one_per_variant_group": true, "rules": true, "placement": null, "fallback": false, "as_of": null}';
