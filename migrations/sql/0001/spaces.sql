-- Spaces: made, found, activated.

CREATE FUNCTION activate_space(name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    space shelfmate.embedding_spaces;
    block record;
    columns text := '';
BEGIN
    LOCK TABLE shelfmate.embedding_spaces IN SHARE ROW EXCLUSIVE MODE;
    SELECT * INTO space FROM shelfmate.embedding_spaces s WHERE s.name = activate_space.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no embedding space named %', activate_space.name USING ERRCODE = 'SM006', COLUMN = 'space';
    END IF;
    FOR block IN SELECT * FROM (VALUES ('text', space.text_dimensions), ('image', space.image_dimensions),
                                       ('reviews', space.reviews_dimensions), ('fused', space.fused_dimensions))
                               AS blocks (name, dimensions) LOOP
        columns := columns || CASE WHEN block.dimensions > 0
            THEN format(', e.%1$I::halfvec(%2$s) AS %1$I', block.name, block.dimensions)
            ELSE format(', NULL::halfvec AS %I', block.name) END;
    END LOOP;
    UPDATE shelfmate.embedding_spaces s SET state = 'shadow' WHERE s.state = 'active' AND s.id <> space.id;
    UPDATE shelfmate.embedding_spaces s SET state = 'active', activated_at = now() WHERE s.id = space.id;
    DROP VIEW IF EXISTS shelfmate.active_embeddings;
    EXECUTE format(
        'CREATE VIEW shelfmate.active_embeddings AS SELECT e.product_id, p.sku%s
           FROM shelfmate.product_embeddings_%s e JOIN shelfmate.products p ON p.id = e.product_id', columns, space.id);
    EXECUTE 'GRANT SELECT ON shelfmate.active_embeddings TO analyst';
    PERFORM shelfmate.comment_active_embeddings();
END $$;

CREATE FUNCTION comment_active_embeddings() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    COMMENT ON VIEW shelfmate.active_embeddings IS
        'The vectors of the active space, typed by its dimensions. Order by fused <#> q, or by text <=> q, to use an index.';
    COMMENT ON COLUMN shelfmate.active_embeddings.product_id IS 'products.id';
    COMMENT ON COLUMN shelfmate.active_embeddings.sku IS 'products.sku';
    COMMENT ON COLUMN shelfmate.active_embeddings.text IS 'Unit vector of the title and description; null when the space has no text.';
    COMMENT ON COLUMN shelfmate.active_embeddings.image IS 'Unit vector of the first photograph; null without one.';
    COMMENT ON COLUMN shelfmate.active_embeddings.reviews IS 'Unit vector of the reviews; null when the space has none.';
    COMMENT ON COLUMN shelfmate.active_embeddings.fused IS
        'sqrt(weight) times each unit block, joined: text, image, reviews. A missing block is zero. Compare by <#>.';
END $$;

CREATE FUNCTION create_space(
    name text,
    text_encoder text, text_version text, text_fields text[], text_dimensions integer, text_weight double precision,
    image_encoder text, image_version text, image_dimensions integer, image_weight double precision
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    space_id integer;
    block record;
    checks text := '';
BEGIN
    -- Writers wait until this commits: a product or photograph is either seen by the backfill below or sees the space.
    LOCK TABLE shelfmate.products, shelfmate.product_images IN SHARE ROW EXCLUSIVE MODE;
    INSERT INTO shelfmate.embedding_spaces AS s
           (name, text_encoder, text_version, text_fields, text_dimensions, text_weight,
            image_encoder, image_version, image_dimensions, image_weight)
    VALUES (create_space.name, create_space.text_encoder, create_space.text_version, create_space.text_fields,
            create_space.text_dimensions, create_space.text_weight, create_space.image_encoder, create_space.image_version,
            create_space.image_dimensions, create_space.image_weight)
    RETURNING s.id INTO space_id;
    FOR block IN SELECT * FROM (VALUES ('text', text_dimensions), ('image', image_dimensions), ('reviews', 0),
                                       ('fused', text_dimensions + image_dimensions)) AS blocks (name, dimensions) LOOP
        checks := checks || CASE WHEN block.dimensions > 0
            THEN format(', CHECK (vector_dims(%I) = %s)', block.name, block.dimensions)
            ELSE format(', CHECK (%I IS NULL)', block.name) END;
    END LOOP;
    EXECUTE format('CREATE TABLE shelfmate.product_embeddings_%1$s PARTITION OF shelfmate.product_embeddings (%2$s)
                    FOR VALUES IN (%1$s)', space_id, substr(checks, 3));
    -- An exact scan reads fused alone: it stays in the row, its parts move out of the way.
    EXECUTE format('ALTER TABLE shelfmate.product_embeddings_%s ALTER COLUMN fused SET STORAGE MAIN', space_id);
    EXECUTE format('COMMENT ON TABLE shelfmate.product_embeddings_%s IS %L', space_id,
                   'The vectors of the embedding space ' || create_space.name || '.');
    EXECUTE format('GRANT SELECT ON shelfmate.product_embeddings_%s TO analyst', space_id);
    INSERT INTO shelfmate.embedding_jobs (product_id, space_id, priority)
    SELECT p.id, space_id, 1 FROM shelfmate.products p ORDER BY p.id;
    PERFORM pg_notify('shelfmate_jobs', '');
    IF NOT EXISTS (SELECT FROM shelfmate.embedding_spaces s WHERE s.state = 'active') THEN
        PERFORM shelfmate.activate_space(create_space.name);
    END IF;
    RETURN space_id;
END $$;

CREATE FUNCTION find_space(name text) RETURNS embedding_spaces LANGUAGE plpgsql STABLE AS $$
DECLARE
    space shelfmate.embedding_spaces;
BEGIN
    IF find_space.name IS NULL THEN
        SELECT * INTO space FROM shelfmate.embedding_spaces s WHERE s.state = 'active';
        IF NOT FOUND THEN
            RAISE EXCEPTION 'no embedding space is active' USING ERRCODE = 'SM007',
                HINT = 'Run shelfmate migrate, which creates the default space.';
        END IF;
    ELSE
        SELECT * INTO space FROM shelfmate.embedding_spaces s WHERE s.name = find_space.name;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'no embedding space named %', find_space.name USING ERRCODE = 'SM006', COLUMN = 'space';
        END IF;
    END IF;
    RETURN space;
END $$;

CREATE VIEW active_embeddings AS
    SELECT NULL::bigint AS product_id, NULL::text AS sku, NULL::halfvec AS text, NULL::halfvec AS image,
           NULL::halfvec AS reviews, NULL::halfvec AS fused WHERE false;
SELECT comment_active_embeddings();
