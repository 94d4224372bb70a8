-- Frozen results: pages that never repeat or skip.

-- Whoever can read a key can make cursors: analyst may not (roles.sql). The newest key signs, all of them verify.
CREATE TABLE signing_keys (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- gen_random_uuid is the server's strong source of random bits: two of them have 244.
    key        bytea NOT NULL DEFAULT sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')),
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO signing_keys DEFAULT VALUES;

CREATE TYPE recommendation_page AS (
    items text, shown integer, next_position integer, source text, mode text, space text,
    kind text, query jsonb, expires_at timestamptz
);

-- The first page of a list: items as they are sent, frozen as they are kept. Inlined, so that it costs no call.
CREATE FUNCTION first_page(query jsonb) RETURNS TABLE (
    space_id integer, space text, mode text, source text, shown integer, items text, frozen jsonb, vectors halfvec[]
) LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT s.id, s.name, a.*,
           ARRAY(SELECT e.fused
                   FROM jsonb_array_elements(coalesce(nullif(query->'like', 'null'), '[]') || coalesce(nullif(query->'unlike', 'null'), '[]'))
                        WITH ORDINALITY x (example, place)
                   LEFT JOIN shelfmate.products p ON p.sku = x.example->>'sku'
                   LEFT JOIN shelfmate.product_embeddings e ON e.product_id = p.id AND e.space_id = s.id
                  ORDER BY x.place)
      FROM shelfmate.find_space(query->>'space') s,
           (SELECT CASE WHEN bool_or(r.mode = 'ann') THEN 'ann' ELSE 'exact' END,
                   CASE WHEN min(r.source) FILTER (WHERE r.source <> 'pinned') <> max(r.source) FILTER (WHERE r.source <> 'pinned')
                        THEN 'mixed' ELSE coalesce(min(r.source) FILTER (WHERE r.source <> 'pinned'), 'similar') END,
                   count(*)::integer,
                   coalesce(json_agg(json_build_object(
                       'sku', r.sku, 'title', r.title, 'score', r.score, 'contributions', r.contributions,
                       'examples', r.examples, 'variants', r.variants, 'source', r.source, 'brand', r.brand,
                       'category', r.category, 'price', r.price, 'currency', r.currency, 'in_stock', r.in_stock,
                       'variant_group', r.variant_group) ORDER BY r.position), '[]')::text,
                   coalesce(jsonb_agg(jsonb_build_object(
                       'product_id', r.product_id, 'score', r.score, 'source', r.source,
                       'contributions', r.contributions, 'examples', r.examples) ORDER BY r.position), '[]')
              FROM shelfmate.recommend(query) r) a
$$;

CREATE FUNCTION open_recommendation(recommendation_id uuid) RETURNS recommendations LANGUAGE plpgsql STABLE AS $$
DECLARE
    frozen shelfmate.recommendations;
BEGIN
    SELECT * INTO frozen FROM shelfmate.recommendations r WHERE r.id = open_recommendation.recommendation_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no recommendation %', open_recommendation.recommendation_id USING ERRCODE = 'SM001',
            HINT = 'Lists that expired long ago are deleted.';
    END IF;
    IF frozen.expires_at <= now() THEN
        RAISE EXCEPTION 'recommendation % has expired: ask again for a new one', frozen.id USING ERRCODE = 'SM008';
    END IF;
    IF NOT EXISTS (SELECT FROM shelfmate.embedding_spaces s WHERE s.id = frozen.space_id) THEN
        RAISE EXCEPTION 'the embedding space that answered recommendation % was dropped: ask again for a new one', frozen.id
            USING ERRCODE = 'SM008';
    END IF;
    RETURN frozen;
END $$;

CREATE FUNCTION unit_blocks(space embedding_spaces, fused halfvec) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(b.name, b.unit::text::jsonb), '{}')
      FROM (SELECT m.name, l2_normalize(subvector(fused, m.first, m.dimensions)) AS unit
              FROM (VALUES ('text', 1, space.text_dimensions),
                           ('image', 1 + space.text_dimensions, space.image_dimensions),
                           ('reviews', 1 + space.text_dimensions + space.image_dimensions, space.reviews_dimensions))
                   AS m (name, first, dimensions)
             WHERE m.dimensions > 0) b
     WHERE l2_norm(b.unit) > 0
$$;

CREATE FUNCTION frozen_examples(frozen recommendations)
    RETURNS TABLE (n bigint, side text, place bigint, content jsonb, fused halfvec) LANGUAGE sql STABLE AS $$
    SELECT x.n, x.side, x.place, x.content, frozen.vectors[x.n]
      FROM (SELECT row_number() OVER (ORDER BY s.first, c.place) AS n, s.side, c.place - 1 AS place, c.content
              FROM (VALUES (1, 'like'), (2, 'unlike')) AS s (first, side),
                   jsonb_array_elements(coalesce(nullif(frozen.query->s.side, 'null'), '[]')) WITH ORDINALITY c (content, place)) x
$$;

-- A product among the examples may have been edited or deleted since: its vectors of then take its place.
CREATE FUNCTION frozen_query(frozen recommendations) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    space shelfmate.embedding_spaces;
    asked jsonb := frozen.query;
    exclude jsonb := coalesce(nullif(frozen.query->'exclude', 'null'), '[]');
    kept jsonb := '{}';
    example record;
BEGIN
    SELECT * INTO space FROM shelfmate.embedding_spaces s WHERE s.id = frozen.space_id;
    FOR example IN SELECT * FROM shelfmate.frozen_examples(frozen)
    LOOP
        CONTINUE WHEN example.fused IS NULL OR EXISTS (
            SELECT FROM shelfmate.products p
              JOIN shelfmate.product_embeddings e ON e.product_id = p.id AND e.space_id = space.id
             WHERE p.sku = example.content->>'sku' AND e.fused = example.fused);
        asked := jsonb_set(asked, ARRAY[example.side, example.place::text], (example.content - 'sku')
                           || jsonb_build_object('vector', shelfmate.unit_blocks(space, example.fused)));
        exclude := exclude || jsonb_build_array(example.content->>'sku');
    END LOOP;
    -- One that had no vectors, which a fallback allows, and is gone by now has nothing to say any more.
    FOR example IN SELECT k.side, jsonb_agg(c.content ORDER BY c.place) AS content
                     FROM unnest(ARRAY['like', 'unlike']) k (side),
                          jsonb_array_elements(nullif(asked->k.side, 'null')) WITH ORDINALITY c (content, place)
                    WHERE NOT c.content ? 'sku' OR EXISTS (SELECT FROM shelfmate.products p WHERE p.sku = c.content->>'sku')
                    GROUP BY k.side
    LOOP
        kept := kept || jsonb_build_object(example.side, example.content);
    END LOOP;
    RETURN asked - '{like,unlike}'::text[] || kept || jsonb_build_object('space', space.name, 'exclude', exclude, 'as_of', frozen.created_at, 'k', 1000);
END $$;

-- What was embedded anew since a list was frozen is found without reading every vector.
CREATE INDEX product_embeddings_embedded_at_idx ON product_embeddings USING brin (embedded_at) WITH (pages_per_range = 16);

-- What follows the first page, at least to the 1,000th product. An edit since may have moved a product over that edge, and
-- with it another: the list then goes on with those that would be in it had nothing been edited, and with the edited ones.
-- That holds for 1,000 edits; a list is kept for minutes.
CREATE FUNCTION rank_tail(frozen recommendations) RETURNS SETOF recommended_product LANGUAGE plpgsql STABLE AS $$
DECLARE
    depth CONSTANT integer := 1000;
    asked jsonb := shelfmate.frozen_query(frozen);
    tail shelfmate.recommended_product[] := ARRAY(SELECT t FROM shelfmate.recommend(asked) t ORDER BY t.position);
    edited text[];
BEGIN
    IF cardinality(tail) = depth THEN
        -- A little earlier, because a worker's statement begins before others can see what it stored.
        edited := ARRAY(SELECT p.sku FROM shelfmate.product_embeddings e JOIN shelfmate.products p ON p.id = e.product_id
                         WHERE e.space_id = frozen.space_id AND e.embedded_at > frozen.created_at - interval '100 ms'
                           AND p.created_at <= frozen.created_at);
        IF edited <> '{}' THEN
            asked := asked - 'fallback';
            tail := tail
                || ARRAY(SELECT t FROM shelfmate.recommend(
                             asked || jsonb_build_object('exclude', asked->'exclude' || to_jsonb(edited))) t ORDER BY t.position)
                || ARRAY(SELECT t FROM shelfmate.recommend(
                             asked || jsonb_build_object('filter', shelfmate.both_filters(
                                 jsonb_build_object('field', 'sku', 'in', to_jsonb(edited)), nullif(asked->'filter', 'null')))) t
                          ORDER BY t.position);
        END IF;
    END IF;
    RETURN QUERY SELECT * FROM unnest(tail);
END $$;

-- Whoever asks first for what follows the first page ranks it, once; the lock makes others wait for that list.
CREATE FUNCTION complete_recommendation(recommendation_id uuid) RETURNS recommendations LANGUAGE plpgsql AS $$
DECLARE
    frozen shelfmate.recommendations;
    grouped boolean;
    shown bigint[];
    groups text[];
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT * INTO frozen FROM shelfmate.recommendations r WHERE r.id = complete_recommendation.recommendation_id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'recommendation % has expired: ask again for a new one', complete_recommendation.recommendation_id
            USING ERRCODE = 'SM008';
    ELSIF frozen.complete THEN
        RETURN frozen;
    END IF;
    grouped := coalesce((frozen.query->>'one_per_variant_group')::boolean, false);
    shown := ARRAY(SELECT (i.item->>'product_id')::bigint FROM jsonb_array_elements(frozen.items) i (item));
    groups := ARRAY(SELECT p.variant_group FROM shelfmate.products p
                     WHERE grouped AND p.id = ANY (shown) AND p.variant_group IS NOT NULL);
    UPDATE shelfmate.recommendations r
       SET complete = true,
           items = frozen.items || coalesce((
               SELECT jsonb_agg(jsonb_build_object('product_id', t.product_id, 'score', t.score, 'source', t.source,
                                                   'contributions', t.contributions, 'examples', t.examples) ORDER BY t.n)
                 FROM (SELECT DISTINCT ON (k.variant_group, k.product_id) u.*
                         FROM (SELECT row_number() OVER () AS n, f.* FROM shelfmate.rank_tail(frozen) f) u,
                              LATERAL (SELECT CASE WHEN grouped THEN u.variant_group END AS variant_group,
                                              CASE WHEN grouped AND u.variant_group IS NOT NULL THEN NULL ELSE u.product_id END
                                                  AS product_id) k
                        WHERE u.product_id <> ALL (shown) AND (u.variant_group = ANY (groups)) IS NOT TRUE
                        ORDER BY k.variant_group, k.product_id, u.n) t), '[]')
     WHERE r.id = frozen.id
    RETURNING r.* INTO frozen;
    RETURN frozen;
END $$;

-- What a page may still show: the filter, and no rule that hides. $2 is the filter, $3 the filters of such rules.
CREATE FUNCTION page_condition(query jsonb, hidden jsonb) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT concat_ws(' AND ',
        coalesce(shelfmate.filter_condition(nullif(query->'filter', 'null'), '$2', false), 'true'),
        (SELECT string_agg(format('NOT (%s)', shelfmate.filter_condition(h.filter, format('$3 -> %s', h.n - 1), false)), ' AND ')
           FROM jsonb_array_elements(hidden) WITH ORDINALITY h (filter, n)))
$$;

CREATE FUNCTION hiding_filters(query jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF (query->>'rules')::boolean IS FALSE THEN
        RETURN '[]';
    END IF;
    RETURN coalesce((SELECT jsonb_agg(r.filter ORDER BY r.id) FROM shelfmate.active_rules(query->>'placement') r
                      WHERE r.action = 'hide'), '[]');
END $$;

CREATE FUNCTION page_recommendation(recommendation_id uuid, start_position integer DEFAULT 0, k integer DEFAULT NULL)
    RETURNS recommendation_page LANGUAGE plpgsql AS $$
DECLARE
    frozen shelfmate.recommendations := shelfmate.open_recommendation(page_recommendation.recommendation_id);
    hidden jsonb := shelfmate.hiding_filters(frozen.query);
    condition text := shelfmate.page_condition(frozen.query, hidden);
    wanted integer := coalesce(page_recommendation.k, (frozen.query->>'k')::integer, 10);
    page shelfmate.recommendation_page;
    found integer;
BEGIN
    LOOP
        EXECUTE format($page$
            SELECT coalesce(json_agg(i.shown ORDER BY i.n) FILTER (WHERE i.place <= $5), '[]')::text,
                   count(*) FILTER (WHERE i.place <= $5), CASE WHEN count(*) > $5 THEN max(i.n) FILTER (WHERE i.place <= $5) END,
                   CASE WHEN min(i.source) FILTER (WHERE i.source <> 'pinned') <> max(i.source) FILTER (WHERE i.source <> 'pinned')
                        THEN 'mixed' ELSE coalesce(min(i.source) FILTER (WHERE i.source <> 'pinned'), 'similar') END
              FROM (SELECT f.n, f.source, row_number() OVER (ORDER BY f.n) AS place,
                           json_build_object(
                               'sku', f.sku, 'title', f.title, 'score', f.item->'score',
                               'contributions', f.item->'contributions', 'examples', f.item->'examples',
                               'variants', CASE WHEN $6 THEN ARRAY(
                                   SELECT p.sku FROM shelfmate.products p
                                    WHERE p.variant_group = f.variant_group AND p.id <> f.id AND %1$s ORDER BY p.id)
                                   ELSE '{}' END,
                               'source', f.source, 'brand', f.brand, 'category', f.category, 'price', f.price,
                               'currency', f.currency, 'in_stock', f.in_stock, 'variant_group', f.variant_group) AS shown
                      FROM (SELECT e.n, e.item, e.item->>'source' AS source, p.id, p.sku, p.title, p.brand, p.category, p.price,
                                   p.currency, p.in_stock, p.variant_group
                              FROM jsonb_array_elements($1) WITH ORDINALITY e (item, n)
                              JOIN shelfmate.products p ON p.id = (e.item->>'product_id')::bigint
                             WHERE e.n > $4 AND %1$s
                             ORDER BY e.n LIMIT $5 + 1) f) i $page$, condition)
           INTO page.items, page.shown, page.next_position, page.source
          USING frozen.items, frozen.query->'filter', hidden, start_position, wanted,
                coalesce((frozen.query->>'one_per_variant_group')::boolean, false);
        EXIT WHEN frozen.complete OR page.shown = wanted;
        frozen := shelfmate.complete_recommendation(frozen.id);
    END LOOP;
    -- A full page at the end of what is ranked so far: what follows is ranked when it is asked for.
    IF page.next_position IS NULL AND NOT frozen.complete THEN
        page.next_position := jsonb_array_length(frozen.items);
    END IF;
    SELECT s.name INTO page.space FROM shelfmate.embedding_spaces s WHERE s.id = frozen.space_id;
    page.mode := frozen.mode;
    page.kind := frozen.kind;
    page.query := frozen.query;
    page.expires_at := frozen.expires_at;
    RETURN page;
END $$;

COMMENT ON TABLE signing_keys IS 'Keys that sign the cursors of frozen lists, shared by all servers. Insert a row to change the key; delete the old one when its cursors have expired.';
COMMENT ON COLUMN signing_keys.id IS 'The greatest one signs.';
COMMENT ON COLUMN signing_keys.key IS '32 random bytes; not readable by analysts.';
COMMENT ON COLUMN signing_keys.created_at IS 'When the key was made.';
COMMENT ON TYPE recommendation_page IS 'A page of a frozen list, and the list''s own kind, query and expiry.';
COMMENT ON FUNCTION first_page(jsonb) IS 'What recommend() answers as JSON: to be sent, and to be kept with the vectors that its examples have now.';
COMMENT ON FUNCTION open_recommendation(uuid) IS 'A frozen list; an error when there is none, it has expired, or its space was dropped.';
COMMENT ON FUNCTION unit_blocks(embedding_spaces, halfvec) IS 'The unit vectors in a fused one, by modality, as the argument of recommend() has them.';
COMMENT ON FUNCTION frozen_examples(recommendations) IS 'The examples of a frozen list, likes first, with the vectors that its products had.';
COMMENT ON FUNCTION frozen_query(recommendations) IS 'The argument of recommend() that ranks a frozen list to its end, with the examples, products and space of then.';
COMMENT ON FUNCTION rank_tail(recommendations) IS 'What follows the first page of a frozen list, best first; products may come twice.';
COMMENT ON FUNCTION complete_recommendation(uuid) IS 'Ranks what follows the first page of a frozen list, the first time that it is asked for.';
COMMENT ON FUNCTION page_condition(jsonb, jsonb) IS 'SQL text: whether a page may still show product p, by the query''s filter ($2) and by the filters of rules that hide ($3).';
COMMENT ON FUNCTION hiding_filters(jsonb) IS 'The filters of the rules that hide products from a query now.';
COMMENT ON FUNCTION page_recommendation(uuid, integer, integer) IS 'The next k products of a frozen list after a position that still exist and may still be shown.';
