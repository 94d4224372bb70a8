-- recommend(): like these and not like those, with the shop's rules, diversity, variants and what stands in when too little is alike.

CREATE TYPE recommended_product AS (
    "position" integer, sku text, title text, score double precision, contributions jsonb, examples jsonb,
    product_id bigint, brand text, category text, price numeric, currency text, in_stock boolean,
    variant_group text, variants text[], source text, space text, mode text
);

-- What stands in where too little is alike: popular or newest products that are not shown yet.
CREATE FUNCTION fill_up(source text, wanted integer, shown bigint[], filter jsonb, exclude bigint[], one_per_variant_group boolean)
    RETURNS bigint[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    added bigint[] := '{}';
    taken bigint[] := exclude || shown;
    found bigint[];
BEGIN
    WHILE cardinality(added) < wanted LOOP
        IF one_per_variant_group THEN
            taken := taken || ARRAY(SELECT p.id FROM shelfmate.products p JOIN shelfmate.products o USING (variant_group)
                                     WHERE o.id = ANY (shown || added));
        END IF;
        found := CASE source
            WHEN 'popular' THEN ARRAY(SELECT p.product_id FROM shelfmate.popular_products(
                                          wanted - cardinality(added), filter, taken || added, false) p
                                       ORDER BY p.score DESC, p.product_id)
            ELSE ARRAY(SELECT p.product_id FROM shelfmate.newest_products(
                           wanted - cardinality(added), filter, taken || added, false) p
                        ORDER BY p.score DESC, p.product_id) END;
        EXIT WHEN found = '{}';
        added := added || CASE WHEN one_per_variant_group THEN ARRAY(
            SELECT f.id FROM (SELECT u.id, u.place, row_number() OVER (PARTITION BY coalesce(p.variant_group, p.sku), p.variant_group IS NULL
                                                                      ORDER BY u.place) AS nth
                                FROM unnest(found) WITH ORDINALITY u (id, place) JOIN shelfmate.products p ON p.id = u.id) f
             WHERE f.nth = 1 ORDER BY f.place) ELSE found END;
        EXIT WHEN NOT one_per_variant_group;
    END LOOP;
    RETURN added;
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
    IF NOT shelfmate.is_rfc3339(shelfmate.text_at(query, 'as_of')) THEN
        RAISE EXCEPTION 'as_of is a time such as "2026-01-31T12:00:00Z"' USING ERRCODE = 'SM005', COLUMN = 'as_of';
    END IF;
    PERFORM shelfmate.check_k(coalesce(shelfmate.number_at(query, 'k', ''), 10)::integer);
    IF jsonb_typeof(query -> 'exclude') NOT IN ('array', 'null')
       OR (jsonb_typeof(query -> 'exclude') = 'array'
           AND jsonb_path_exists(query -> 'exclude', 'strict $[*] ? (@.type() != "string")')) THEN
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
    is_ruled boolean := false;
    placed text;
    pinned bigint[] := '{}';
    pin bigint;
    wanted integer;
    ranked shelfmate.scored_product[] := '{}';
    mode text := 'exact';
    ids bigint[];
    sources text[];
    category text;
    added bigint[];
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
    IF shelfmate.flag_at(query, 'fallback', false) AND jsonb_path_exists(query, '$.like[*]')
       AND NOT EXISTS (SELECT FROM unnest(examples) x WHERE x.kind = 'like') THEN
        -- No like has vectors: what is unlike must not choose alone.
        examples := '{}';
    END IF;
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
        placed := shelfmate.text_at(query, 'placement');
        FOR rule IN SELECT * FROM shelfmate.active_rules(placed) LOOP
            is_ruled := true;
            IF rule.action = 'hide' THEN
                filter := shelfmate.both_filters(jsonb_build_object('not', rule.filter), filter);
            ELSE
                rules := rules || rule;
            END IF;
        END LOOP;
        IF is_ruled THEN
            -- A product is pinned where the request would take it at all.
            FOR rule IN SELECT * FROM unnest(rules) r WHERE r.action = 'pin' ORDER BY r.position, r.id LOOP
                EXECUTE format('SELECT p.id FROM shelfmate.products p WHERE p.sku = $1 AND %s',
                               coalesce(shelfmate.filter_condition(filter, '$2', false), 'true'))
                   INTO pin USING rule.sku, filter;
                IF pin IS NOT NULL AND pin <> ALL (exclude || pinned)
               AND NOT (one_per_group AND EXISTS (SELECT FROM shelfmate.products o JOIN shelfmate.products p USING (variant_group)
                                                   WHERE o.id = ANY (pinned) AND p.id = pin))
                   AND NOT EXISTS (SELECT FROM unnest(examples) x WHERE x.product_id = pin) THEN
                    pinned := pinned || pin;
                END IF;
            END LOOP;
        END IF;
    END IF;

    IF cardinality(examples) = 1 AND examples[1].weight = 1 AND examples[1].product_id IS NOT NULL AND NOT is_ruled
       AND diversity = 0 AND threshold IS NULL AND NOT one_per_group AND NOT shelfmate.flag_at(query, 'fallback', false) THEN
        -- What is asked most, one product and nothing else, is similar_products itself.
        RETURN QUERY
            SELECT row_number() OVER (ORDER BY r.score DESC, r.product_id)::integer, p.sku, p.title, r.score,
                   jsonb_strip_nulls(jsonb_build_object('text', r.text, 'image', r.image, 'reviews', r.reviews)),
                   jsonb_build_array(jsonb_build_object('like', 0, 'contribution', r.score)),
                   p.id, p.brand, p.category, p.price, p.currency, p.in_stock, p.variant_group, '{}'::text[],
                   'similar'::text, chosen.name, r.mode
              FROM shelfmate.product_embeddings e,
                   shelfmate.rank_products(
                       chosen, e.fused, k, filter, exclude, exact, ARRAY[e.product_id],
                       ARRAY[examples[1].text_factor, examples[1].image_factor, examples[1].reviews_factor]) r
              JOIN shelfmate.products p ON p.id = r.product_id
             WHERE e.space_id = chosen.id AND e.product_id = examples[1].product_id
             ORDER BY 1;
        RETURN;
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
        exclude := exclude || ARRAY(SELECT p.id FROM jsonb_path_query(query, '$.*[*].sku') x (sku)
                                      JOIN shelfmate.products p ON p.sku = x.sku #>> '{}')
                           || ARRAY(SELECT x.product_id FROM unnest(examples) x WHERE x.product_id IS NOT NULL);
        SELECT p.category INTO category FROM shelfmate.products p WHERE p.sku = jsonb_path_query_first(query, '$.like[*].sku') #>> '{}';
        added := shelfmate.fill_up(
            'popular', k - cardinality(ids || pinned), ids || pinned,
            CASE WHEN category IS NULL THEN filter
                 ELSE shelfmate.both_filters(jsonb_build_object('field', 'category', 'under', category), filter) END,
            exclude, one_per_group);
        ids := ids || added;
        sources := sources || array_fill('popular'::text, ARRAY[cardinality(added)]);
        added := shelfmate.fill_up('newest', k - cardinality(ids || pinned), ids || pinned, filter, exclude, one_per_group);
        ids := ids || added;
        sources := sources || array_fill('newest'::text, ARRAY[cardinality(added)]);
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

COMMENT ON TYPE recommended_product IS
    'A recommended product. contributions has the part of each modality and rule in the score, and adds up to it; examples has that of each example. source: similar, pinned, popular or newest.';
COMMENT ON FUNCTION fill_up(text, integer, bigint[], jsonb, bigint[], boolean) IS
    'Popular or newest products for the places that are left, one of each variant group if so asked.';
COMMENT ON FUNCTION list_variants(products, jsonb) IS 'Skus of the other members of a product''s variant group that satisfy a filter.';
COMMENT ON FUNCTION both_filters(jsonb, jsonb) IS 'A filter that asks for both; the second may be null.';
COMMENT ON FUNCTION flag_at(jsonb, text, boolean) IS 'True or false of a JSON object by name.';
COMMENT ON FUNCTION text_at(jsonb, text) IS 'A text of a JSON object by name.';
COMMENT ON FUNCTION check_query(jsonb) IS 'Refuses a query with an unknown field or one of the wrong type.';
COMMENT ON FUNCTION recommend(jsonb) IS
    'Products like these and not like those. {"like": [{"sku": "A1"}], "unlike": [{"vector": {"text": [...]}}], "strategy": "average"|"best_score", "weights": {"text": 1}, "k": 10, "filter": {...}, "exclude": ["A2"], "score_threshold": 0.5, "exact": false, "space": null, "diversity": 0.3, "one_per_variant_group": true, "rules": true, "placement": null, "fallback": false, "as_of": null}';
