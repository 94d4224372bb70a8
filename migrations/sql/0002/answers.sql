-- A query is answered from one space: name#id stands for the one that its vectors were made for, and for no other.

CREATE OR REPLACE FUNCTION find_space(name text) RETURNS embedding_spaces LANGUAGE plpgsql STABLE AS $$
DECLARE
    space shelfmate.embedding_spaces;
BEGIN
    IF find_space.name IS NULL THEN
        SELECT * INTO space FROM shelfmate.embedding_spaces s WHERE s.state = 'active';
        IF NOT FOUND THEN
            RAISE EXCEPTION 'no embedding space is active' USING ERRCODE = 'SM007',
                HINT = 'Run shelfmate migrate, which creates the default space.';
        END IF;
    ELSIF find_space.name ~ '^[^#]+#[0-9]{1,9}$' THEN
        SELECT * INTO space FROM shelfmate.embedding_spaces s
         WHERE s.id = split_part(find_space.name, '#', 2)::integer AND s.name = split_part(find_space.name, '#', 1);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the embedding space % that this query was made for is gone: ask again', split_part(find_space.name, '#', 1)
                USING ERRCODE = 'SM008', COLUMN = 'space';
        END IF;
    ELSE
        SELECT * INTO space FROM shelfmate.embedding_spaces s WHERE s.name = find_space.name;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'no embedding space named %', find_space.name USING ERRCODE = 'SM006', COLUMN = 'space';
        END IF;
    END IF;
    RETURN space;
END $$;

-- A product among the examples may have been edited or deleted since: its vectors of then take its place.
CREATE OR REPLACE FUNCTION frozen_query(frozen recommendations) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    space shelfmate.embedding_spaces;
    asked jsonb := frozen.query;
    exclude jsonb := coalesce(nullif(frozen.query->'exclude', 'null'), '[]');
    kept jsonb := '{}';
    example record;
BEGIN
    SELECT * INTO space FROM shelfmate.embedding_spaces s WHERE s.id = frozen.space_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the embedding space that answered recommendation % was dropped: ask again for a new one', frozen.id
            USING ERRCODE = 'SM008';
    END IF;
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
    RETURN asked - '{like,unlike}'::text[] || kept
           || jsonb_build_object('space', format('%s#%s', space.name, space.id), 'exclude', exclude, 'as_of', frozen.created_at, 'k', 1000);
END $$;

COMMENT ON FUNCTION find_space(text) IS
    'The space of that name, or the active one for null. name#id names the one of that id, which another of the same name is not.';
