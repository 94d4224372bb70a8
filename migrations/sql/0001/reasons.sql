-- Reasons: why a product stands where it does in a frozen list, or why no page shows it.

CREATE FUNCTION explain_examples(frozen recommendations, product_id bigint, parts jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object(
               x.side, x.place, 'sku', x.content->>'sku', 'weight', coalesce((x.content->>'weight')::double precision, CASE x.side WHEN 'like' THEN 1 ELSE 0.5 END),
               'contribution', (SELECT t.part->'contribution' FROM jsonb_array_elements(parts) t (part)
                                 WHERE (t.part->>x.side)::integer = x.place),
               'modalities', m.modalities) ORDER BY x.n), '[]')
      FROM shelfmate.embedding_spaces s
      LEFT JOIN shelfmate.product_embeddings e ON e.space_id = s.id AND e.product_id = explain_examples.product_id,
           shelfmate.frozen_examples(frozen) x,
           LATERAL (SELECT coalesce(x.content->'vector', shelfmate.unit_blocks(s, x.fused)) AS blocks) b,
           LATERAL (SELECT coalesce(jsonb_object_agg(w.name, jsonb_build_object(
                               'weight', w.weight, 'cosine', 1 - ((b.blocks->>w.name)::halfvec <=> w.stored))), '{}') AS modalities
                      FROM (SELECT v.name, v.stored,
                                   CASE WHEN jsonb_typeof(frozen.query->'weights') = 'object'
                                        THEN coalesce((frozen.query->'weights'->>v.name)::double precision, 0)
                                        ELSE v.own END AS weight
                              FROM (VALUES ('text', s.text_weight, e.text), ('image', s.image_weight, e.image),
                                           ('reviews', s.reviews_weight, e.reviews)) AS v (name, own, stored)) w
                     WHERE w.weight > 0) m
     WHERE s.id = frozen.space_id
$$;

-- The leaves that make a filter false for a product, or true where wanted is false: what is beside the point is left out.
CREATE FUNCTION filter_failures(node jsonb, product_id bigint, place text DEFAULT 'filter', wanted boolean DEFAULT true)
    RETURNS TABLE (path text, condition text) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_variable
DECLARE
    word text;
    matches boolean;
BEGIN
    IF node IS NULL OR node = 'null' THEN
        RETURN;
    END IF;
    EXECUTE format('SELECT %s FROM shelfmate.products p WHERE p.id = $1', shelfmate.filter_condition(node, '$2', false))
       INTO matches USING product_id, node;
    IF matches = wanted THEN
        RETURN;
    END IF;
    SELECT w INTO word FROM unnest(ARRAY['all', 'any', 'not']) w WHERE node ? w;
    IF word IS NULL THEN
        RETURN QUERY SELECT place, CASE WHEN wanted THEN '' ELSE 'not ' END || l.condition
                       FROM shelfmate.explain_filter(product_id, node) l;
    ELSIF word = 'not' THEN
        RETURN QUERY SELECT * FROM shelfmate.filter_failures(node->'not', product_id, place || '.not', NOT wanted);
    ELSIF node->word = '[]' THEN
        RETURN QUERY SELECT place, format('%s of nothing', word);
    ELSE
        RETURN QUERY SELECT f.* FROM jsonb_array_elements(node->word) WITH ORDINALITY c (child, n),
            shelfmate.filter_failures(c.child, product_id, format('%s.%s[%s]', place, word, c.n - 1), wanted) f;
    END IF;
END $$;

-- Why no page of a complete list shows a product, the first cause first. place is null when the list does not hold it.
CREATE FUNCTION explain_absence(frozen recommendations, product products, place bigint, own_score double precision)
    RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    query jsonb := frozen.query;
    hidden jsonb := shelfmate.hiding_filters(query);
    reasons jsonb := '[]';
    matches boolean;
    job shelfmate.embedding_jobs;
    found record;
BEGIN
    IF place IS NULL THEN
        IF NOT EXISTS (SELECT FROM shelfmate.product_embeddings e
                        WHERE e.product_id = product.id AND e.space_id = frozen.space_id) THEN
            SELECT * INTO job FROM shelfmate.embedding_jobs j WHERE j.product_id = product.id AND j.space_id = frozen.space_id;
            reasons := reasons || shelfmate.absence('not_embedded', CASE WHEN job.state = 'dead'
                THEN 'its embedding failed: ' || coalesce(job.last_error, 'no reason was kept') ELSE 'it is not embedded yet' END);
        END IF;
        IF EXISTS (SELECT FROM shelfmate.frozen_examples(frozen) x WHERE x.content->>'sku' = product.sku) THEN
            reasons := reasons || shelfmate.absence('example', 'it is an example of the query itself');
        END IF;
        IF coalesce(nullif(query->'exclude', 'null'), '[]') ? product.sku THEN
            reasons := reasons || shelfmate.absence('excluded', 'the query excludes it');
        END IF;
        IF product.created_at > frozen.created_at THEN
            reasons := reasons || shelfmate.absence('too_new', 'it was created after the list');
        END IF;
    END IF;
    FOR found IN SELECT * FROM shelfmate.filter_failures(query->'filter', product.id) LOOP
        reasons := reasons || shelfmate.absence('filter', 'it fails the filter: ' || found.condition, path => found.path);
    END LOOP;
    FOR found IN
        SELECT r.name, r.filter FROM shelfmate.active_rules(query->>'placement') r
         WHERE r.action = 'hide' AND (query->>'rules')::boolean IS NOT FALSE ORDER BY r.id
    LOOP
        EXECUTE format('SELECT %s FROM shelfmate.products p WHERE p.id = $1', shelfmate.filter_condition(found.filter, '$2', false))
           INTO matches USING product.id, found.filter;
        IF matches THEN
            reasons := reasons || shelfmate.absence('rule', format('the rule %s hides it', found.name), rule => found.name);
        END IF;
    END LOOP;
    IF place IS NOT NULL OR reasons <> '[]' THEN
        RETURN reasons;
    END IF;
    IF (query->>'one_per_variant_group')::boolean AND product.variant_group IS NOT NULL THEN
        FOR found IN
            SELECT p.sku FROM jsonb_array_elements(frozen.items) i (item)
              JOIN shelfmate.products p ON p.id = (i.item->>'product_id')::bigint
             WHERE p.variant_group = product.variant_group LIMIT 1
        LOOP
            RETURN reasons || shelfmate.absence('variant', format('%s stands for its variant group', found.sku));
        END LOOP;
    END IF;
    IF own_score < (query->>'score_threshold')::double precision THEN
        RETURN reasons || shelfmate.absence('threshold', format('its score %s is below the threshold %s', own_score, query->>'score_threshold'));
    END IF;
    RETURN reasons || shelfmate.absence('rank', format('the list ends after %s products, before it', jsonb_array_length(frozen.items)));
END $$;

CREATE FUNCTION absence(reason text, detail text, path text DEFAULT NULL, rule text DEFAULT NULL) RETURNS jsonb
    LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_array(jsonb_build_object('reason', reason, 'detail', detail, 'path', path, 'rule', rule))
$$;

CREATE FUNCTION explain_recommendation(recommendation_id uuid, sku text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    frozen shelfmate.recommendations := shelfmate.open_recommendation(explain_recommendation.recommendation_id);
    product shelfmate.products;
    entry jsonb;
    place bigint;
    reasons jsonb;
    alone jsonb;
BEGIN
    SELECT * INTO product FROM shelfmate.products p WHERE p.sku = explain_recommendation.sku;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no product with sku %', explain_recommendation.sku USING ERRCODE = 'SM001', COLUMN = 'sku';
    END IF;
    frozen := shelfmate.complete_recommendation(frozen.id);
    SELECT i.item, i.place INTO entry, place FROM jsonb_array_elements(frozen.items) WITH ORDINALITY i (item, place)
     WHERE (i.item->>'product_id')::bigint = product.id;
    IF place IS NULL THEN
        -- The same query with this product alone in the way: its own score, with the rules if none hides it.
        alone := shelfmate.frozen_query(frozen) - '{as_of,diversity,one_per_variant_group,score_threshold,fallback}'::text[]
                 || jsonb_build_object('k', 1, 'exact', true, 'filter', jsonb_build_object('field', 'sku', 'eq', product.sku));
        IF (SELECT bool_and(x.fused IS NOT NULL OR x.content ? 'vector') FROM shelfmate.frozen_examples(frozen) x) THEN
            SELECT to_jsonb(r) INTO entry
              FROM (SELECT * FROM shelfmate.recommend(alone) UNION ALL SELECT * FROM shelfmate.recommend(alone || '{"rules": false}')) r
             WHERE r.product_id = product.id LIMIT 1;
        END IF;
    END IF;
    reasons := shelfmate.explain_absence(frozen, product, place, (entry->>'score')::double precision);
    RETURN jsonb_build_object(
        'recommendation_id', frozen.id, 'sku', product.sku, 'title', product.title, 'listed', reasons = '[]', 'position', place,
        'source', CASE WHEN place IS NOT NULL THEN entry->'source' END, 'score', entry->'score',
        'last_score', frozen.items->-1->'score', 'contributions', coalesce(entry->'contributions', '{}'),
        'rules', (SELECT coalesce(jsonb_object_agg(substr(c.key, 6), c.value), '{}')
                    FROM jsonb_each(coalesce(entry->'contributions', '{}')) c WHERE starts_with(c.key, 'rule:')),
        'examples', shelfmate.explain_examples(frozen, product.id, coalesce(entry->'examples', '[]')), 'reasons', reasons);
END $$;

COMMENT ON FUNCTION absence(text, text, text, text) IS 'One reason why a product is not in a list.';
COMMENT ON FUNCTION filter_failures(jsonb, bigint, text, boolean) IS 'The leaves of a filter that keep a product out: where each stands and what it says.';
COMMENT ON FUNCTION explain_absence(recommendations, products, bigint, double precision) IS 'Why no page of a complete list shows a product.';
COMMENT ON FUNCTION explain_examples(recommendations, bigint, jsonb) IS 'Weight and cosine of each modality between a product and each example of a list.';
COMMENT ON FUNCTION explain_recommendation(uuid, text) IS 'Why a product stands where it does in a frozen list, or why no page shows it.';
