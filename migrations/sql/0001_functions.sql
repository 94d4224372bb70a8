-- Error codes raised below, one for each way a question can be wrong (backend/database/problems.py translates them):
--   SM001 no such product   SM002 embedding pending   SM003 embedding failed   SM004 no such category
--   SM005 bad argument      SM006 no such space       SM007 no active space

CREATE FUNCTION ensure_category(path text) RETURNS text LANGUAGE sql VOLATILE
BEGIN ATOMIC
    INSERT INTO shelfmate.categories (path) VALUES (ensure_category.path) ON CONFLICT DO NOTHING;
    SELECT ensure_category.path;
END;

CREATE FUNCTION create_parent_category() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    above text := nullif(regexp_replace(NEW.path, '/?[^/]*$', ''), '');
BEGIN
    IF above IS NOT NULL AND NOT EXISTS (SELECT FROM shelfmate.categories c WHERE c.path = above) THEN
        INSERT INTO shelfmate.categories (path) VALUES (above) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER create_parent BEFORE INSERT ON categories FOR EACH ROW EXECUTE FUNCTION create_parent_category();

-- A product may name a category that does not exist yet: whoever inserts by SQL need not know the tree.
CREATE FUNCTION create_product_category() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM shelfmate.categories c WHERE c.path = NEW.category) THEN
        INSERT INTO shelfmate.categories (path) VALUES (NEW.category) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER create_category BEFORE INSERT OR UPDATE OF category ON products
    FOR EACH ROW WHEN (NEW.category IS NOT NULL) EXECUTE FUNCTION create_product_category();

CREATE FUNCTION rename_category(path text, new_path text) RETURNS bigint LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    renamed bigint;
    above text := nullif(regexp_replace(new_path, '/?[^/]*$', ''), '');
BEGIN
    IF new_path = rename_category.path OR starts_with(new_path, rename_category.path || '/') THEN
        RAISE EXCEPTION 'category % cannot be moved to %, which is itself or inside it', rename_category.path, new_path
            USING ERRCODE = 'SM005', COLUMN = 'new_path';
    END IF;
    IF above IS NOT NULL THEN
        PERFORM shelfmate.ensure_category(above);
    END IF;
    UPDATE shelfmate.categories c SET path = new_path || substr(c.path, length(rename_category.path) + 1)
     WHERE c.path = rename_category.path OR starts_with(c.path, rename_category.path || '/');
    GET DIAGNOSTICS renamed = ROW_COUNT;
    IF renamed = 0 THEN
        RAISE EXCEPTION 'no category %', rename_category.path USING ERRCODE = 'SM004', COLUMN = 'category';
    END IF;
    RETURN renamed;
END $$;

CREATE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END $$;
CREATE TRIGGER set_updated_at BEFORE UPDATE ON products
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION set_updated_at();

-- The queue. One row a product and space: an edit resets it, so that a worker holding the old input is refused.

CREATE FUNCTION queue_embeddings(product_ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    backfill boolean := cardinality(product_ids) > 100
        OR coalesce(current_setting('shelfmate.backfill', true), '') = 'on';
BEGIN
    INSERT INTO shelfmate.embedding_jobs AS j (product_id, space_id, priority)
    SELECT p.id, s.id, backfill::int
      FROM shelfmate.products p CROSS JOIN shelfmate.embedding_spaces s
     WHERE p.id = ANY (product_ids) AND s.state <> 'retired'
     ORDER BY p.id, s.id
    ON CONFLICT (product_id, space_id) DO UPDATE
       SET state = 'queued', priority = least(j.priority, excluded.priority), available_at = now(), queued_at = now(),
           attempts = 0, losses = 0, lease_token = NULL, leased_until = NULL, worker = NULL, last_error = NULL
     WHERE j.state <> 'queued' OR j.attempts > 0 OR j.losses > 0 OR j.priority > excluded.priority;
    PERFORM pg_notify('shelfmate_jobs', '');
END $$;

CREATE FUNCTION queue_inserted_products() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM inserted) THEN
        PERFORM shelfmate.queue_embeddings(ARRAY(SELECT i.id FROM inserted i));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER queue_inserted AFTER INSERT ON products REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION queue_inserted_products();

CREATE FUNCTION queue_edited_product() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM shelfmate.queue_embeddings(ARRAY[NEW.id]);
    RETURN NULL;
END $$;
-- By row and with a condition, so that a price update of the whole catalogue costs nothing.
CREATE TRIGGER queue_edited AFTER UPDATE OF title, description, brand ON products FOR EACH ROW
    WHEN (OLD.title IS DISTINCT FROM NEW.title OR OLD.description IS DISTINCT FROM NEW.description
          OR OLD.brand IS DISTINCT FROM NEW.brand)
    EXECUTE FUNCTION queue_edited_product();

CREATE FUNCTION queue_imaged_products() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        changed := ARRAY(SELECT DISTINCT n.product_id FROM new_images n);
    ELSIF TG_OP = 'DELETE' THEN
        changed := ARRAY(SELECT DISTINCT o.product_id FROM old_images o);
    ELSE
        changed := ARRAY(
            SELECT coalesce(n.product_id, o.product_id)
              FROM new_images n FULL JOIN old_images o USING (product_id, position)
             WHERE n.sha256 IS DISTINCT FROM o.sha256
             GROUP BY 1);
    END IF;
    IF cardinality(changed) > 0 THEN
        PERFORM shelfmate.queue_embeddings(changed);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER queue_inserted AFTER INSERT ON product_images REFERENCING NEW TABLE AS new_images
    FOR EACH STATEMENT EXECUTE FUNCTION queue_imaged_products();
CREATE TRIGGER queue_edited AFTER UPDATE ON product_images REFERENCING OLD TABLE AS old_images NEW TABLE AS new_images
    FOR EACH STATEMENT EXECUTE FUNCTION queue_imaged_products();
CREATE TRIGGER queue_deleted AFTER DELETE ON product_images REFERENCING OLD TABLE AS old_images
    FOR EACH STATEMENT EXECUTE FUNCTION queue_imaged_products();

-- Spaces.

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

-- Ranking: one implementation, which SQL and HTTP share.

CREATE FUNCTION weighted_block(unit halfvec, dimensions integer, factor double precision) RETURNS vector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN unit IS NULL THEN array_fill(0::real, ARRAY[dimensions])::vector
                ELSE unit::vector * array_fill(factor::real, ARRAY[dimensions])::vector END
$$;

CREATE FUNCTION fuse_query(
    space embedding_spaces, text halfvec, image halfvec, reviews halfvec,
    w_text double precision, w_image double precision, w_reviews double precision
) RETURNS halfvec LANGUAGE plpgsql STABLE AS $$
DECLARE
    blocks vector[] := '{}';
    fused vector;
    part vector;
BEGIN
    IF w_text < 0 OR w_image < 0 OR w_reviews < 0 OR coalesce(w_text, 0) + coalesce(w_image, 0) + coalesce(w_reviews, 0) <= 0
       OR coalesce(w_text, 0) + coalesce(w_image, 0) + coalesce(w_reviews, 0) > 1000 THEN
        RAISE EXCEPTION 'weights are finite numbers of 0 or more, one of them above 0'
            USING ERRCODE = 'SM005', COLUMN = 'weights';
    END IF;
    IF (w_text > 0 AND space.text_dimensions = 0) OR (w_image > 0 AND space.image_dimensions = 0)
       OR (w_reviews > 0 AND space.reviews_dimensions = 0) THEN
        RAISE EXCEPTION 'the embedding space % lacks a modality that a weight is given for', space.name
            USING ERRCODE = 'SM005', COLUMN = 'weights',
                  HINT = 'embedding_spaces says which have dimensions: text, image, reviews.';
    END IF;
    IF space.text_dimensions > 0 THEN
        blocks := blocks || shelfmate.weighted_block(text, space.text_dimensions,
                                                     coalesce(w_text, 0) / sqrt(space.text_weight));
    END IF;
    IF space.image_dimensions > 0 THEN
        blocks := blocks || shelfmate.weighted_block(image, space.image_dimensions,
                                                     coalesce(w_image, 0) / sqrt(space.image_weight));
    END IF;
    IF space.reviews_dimensions > 0 THEN
        blocks := blocks || shelfmate.weighted_block(reviews, space.reviews_dimensions,
                                                     coalesce(w_reviews, 0) / sqrt(space.reviews_weight));
    END IF;
    FOREACH part IN ARRAY blocks LOOP
        fused := CASE WHEN fused IS NULL THEN part ELSE fused || part END;
    END LOOP;
    RETURN fused::halfvec;
END $$;

CREATE TYPE ranked_product AS (
    product_id bigint, score double precision,
    text double precision, image double precision, reviews double precision, mode text
);

-- Loads pgvector: while its settings are unknown, only a superuser may name them in a function.
SELECT '[0]'::halfvec;

CREATE FUNCTION rank_products(
    space embedding_spaces, query halfvec, k integer,
    category text DEFAULT NULL, price_min numeric DEFAULT NULL, price_max numeric DEFAULT NULL,
    in_stock boolean DEFAULT NULL, exclude bigint[] DEFAULT '{}', exact boolean DEFAULT false
) RETURNS SETOF ranked_product LANGUAGE plpgsql STABLE ROWS 10
    SET search_path FROM CURRENT
    SET hnsw.iterative_scan = relaxed_order
    SET hnsw.ef_search = 100
    SET hnsw.max_scan_tuples = 20000
AS $$
DECLARE
    exact_budget CONSTANT integer := 2000;
    tie_margin CONSTANT integer := 10;
    conditions text := '';
    source text := format('shelfmate.product_embeddings_%s e', space.id);
    categories text[];
    matching bigint;
    found bigint[];
BEGIN
    IF k IS NULL OR k < 1 OR k > 1000 THEN
        RAISE EXCEPTION 'k is %, but must lie between 1 and 1000', coalesce(k::text, 'null')
            USING ERRCODE = 'SM005', COLUMN = 'k';
    END IF;
    IF category IS NOT NULL THEN
        categories := ARRAY(SELECT c.path FROM shelfmate.categories c
                             WHERE c.path = category OR starts_with(c.path, category || '/'));
        IF categories = '{}' THEN
            RAISE EXCEPTION 'no category %', category USING ERRCODE = 'SM004', COLUMN = 'category';
        END IF;
        conditions := conditions || ' AND p.category = ANY ($3)';
    END IF;
    IF price_min IS NOT NULL THEN
        conditions := conditions || ' AND p.price >= $4';
    END IF;
    IF price_max IS NOT NULL THEN
        conditions := conditions || ' AND p.price <= $5';
    END IF;
    IF in_stock IS NOT NULL THEN
        conditions := conditions || ' AND p.in_stock = $6';
    END IF;

    -- Few rows match, or there is no index, or the query is zero and all tie: filter first, then sort all of them.
    exact := coalesce(exact, false) OR NOT shelfmate.is_indexed(space.id) OR query <#> query = 0;
    exclude := coalesce(exclude, '{}');
    IF conditions <> '' THEN
        IF NOT exact THEN
            EXECUTE format('SELECT count(*) FROM (SELECT FROM shelfmate.products p WHERE true %s LIMIT $1 + 1) few', conditions)
               INTO matching USING exact_budget, NULL::text, categories, price_min, price_max, in_stock;
            exact := matching <= exact_budget;
        END IF;
        source := source || ' JOIN shelfmate.products p ON p.id = e.product_id';
    END IF;

    IF NOT exact THEN
        PERFORM set_config('hnsw.ef_search', least(1000, greatest(100, 2 * (k + tie_margin)))::text, true);
        EXECUTE format('SELECT array_agg(hit.product_id) FROM (
                            SELECT e.product_id FROM %1$s WHERE e.product_id <> ALL ($2) %2$s
                            ORDER BY e.fused::halfvec(%3$s) <#> $1 LIMIT $7) hit', source, conditions, space.fused_dimensions)
           INTO found
          USING query, exclude, categories, price_min, price_max, in_stock, k + tie_margin;
        -- Too few came back: the index gave up before the filter was satisfied, or no more exist. Sorting all tells.
        exact := coalesce(cardinality(found), 0) < k;
    END IF;
    IF exact THEN
        EXECUTE format('SELECT array_agg(hit.product_id) FROM (
                            SELECT e.product_id FROM %1$s WHERE e.product_id <> ALL ($2) %2$s
                            ORDER BY e.fused <#> $1, e.product_id LIMIT $7) hit', source, conditions)
           INTO found
          USING query, exclude, categories, price_min, price_max, in_stock, k;
    END IF;

    RETURN QUERY EXECUTE format(
        'SELECT e.product_id, -(e.fused <#> $1), %2$s, %3$s, %4$s, %5$L::text
           FROM shelfmate.product_embeddings_%1$s e
          WHERE e.product_id = ANY ($2) ORDER BY e.fused <#> $1, e.product_id LIMIT $3',
        space.id,
        shelfmate.block_score(1, space.text_dimensions),
        shelfmate.block_score(1 + space.text_dimensions, space.image_dimensions),
        shelfmate.block_score(1 + space.text_dimensions + space.image_dimensions, space.reviews_dimensions),
        CASE WHEN exact THEN 'exact' ELSE 'ann' END)
    USING query, found, k;
END $$;

CREATE FUNCTION block_score(first integer, dimensions integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN dimensions = 0 THEN 'NULL::double precision'
                ELSE format('-(subvector(e.fused, %1$s, %2$s) <#> subvector($1, %1$s, %2$s))', first, dimensions) END
$$;

CREATE FUNCTION is_indexed(space_id integer) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT i.indisvalid FROM pg_index i
                      WHERE i.indexrelid = to_regclass(format('shelfmate.product_embeddings_%s_fused_hnsw', space_id))), false)
$$;

CREATE FUNCTION find_embedding(space embedding_spaces, sku text) RETURNS product_embeddings LANGUAGE plpgsql STABLE AS $$
DECLARE
    embedding shelfmate.product_embeddings;
    wanted bigint;
    job shelfmate.embedding_jobs;
BEGIN
    SELECT p.id INTO wanted FROM shelfmate.products p WHERE p.sku = find_embedding.sku;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no product with sku %', find_embedding.sku USING ERRCODE = 'SM001', COLUMN = 'sku';
    END IF;
    SELECT * INTO embedding FROM shelfmate.product_embeddings e WHERE e.product_id = wanted AND e.space_id = space.id;
    IF FOUND THEN
        RETURN embedding;
    END IF;
    SELECT * INTO job FROM shelfmate.embedding_jobs j WHERE j.product_id = wanted AND j.space_id = space.id;
    IF job.state = 'dead' THEN
        RAISE EXCEPTION 'the embedding of product % failed: %', find_embedding.sku, job.last_error
            USING ERRCODE = 'SM003', COLUMN = 'sku', HINT = 'Mend its text or image, or run shelfmate jobs retry.';
    END IF;
    RAISE EXCEPTION 'product % is not embedded yet', find_embedding.sku
        USING ERRCODE = 'SM002', COLUMN = 'sku', HINT = 'A worker embeds it within seconds; shelfmate jobs shows the queue.';
END $$;

CREATE TYPE similar_product AS (
    sku text, title text, score double precision,
    text double precision, image double precision, reviews double precision,
    product_id bigint, brand text, category text, price numeric, currency text, in_stock boolean, variant_group text, space text, mode text
);

CREATE FUNCTION similar_products(
    sku text, k integer DEFAULT 10,
    category text DEFAULT NULL, price_min numeric DEFAULT NULL, price_max numeric DEFAULT NULL, in_stock boolean DEFAULT NULL,
    w_text double precision DEFAULT NULL, w_image double precision DEFAULT NULL, w_reviews double precision DEFAULT NULL,
    space text DEFAULT NULL, exact boolean DEFAULT false
) RETURNS SETOF similar_product LANGUAGE plpgsql STABLE ROWS 10 AS $$
DECLARE
    chosen shelfmate.embedding_spaces := shelfmate.find_space(space);
    origin shelfmate.product_embeddings := shelfmate.find_embedding(chosen, similar_products.sku);
    query halfvec := origin.fused;
    scale double precision := 1;
BEGIN
    -- With the space's own weights the query is the stored vector itself.
    IF w_text IS NOT NULL OR w_image IS NOT NULL OR w_reviews IS NOT NULL THEN
        -- Halves have little room below 1: the query is asked with its largest weight at 1, and the scores scaled back.
        scale := CASE WHEN greatest(w_text, w_image, w_reviews) > 0 THEN greatest(w_text, w_image, w_reviews) ELSE 1 END;
        query := shelfmate.fuse_query(chosen, origin.text, origin.image, origin.reviews,
                                      w_text / scale, w_image / scale, w_reviews / scale);
    END IF;
    RETURN QUERY
        SELECT p.sku, p.title, r.score * scale, r.text * scale, r.image * scale, r.reviews * scale,
               p.id, p.brand, p.category, p.price, p.currency, p.in_stock, p.variant_group, chosen.name, r.mode
          FROM shelfmate.rank_products(chosen, query, similar_products.k, similar_products.category, price_min, price_max,
                                       similar_products.in_stock, ARRAY[origin.product_id], exact) r
          JOIN shelfmate.products p ON p.id = r.product_id
         ORDER BY r.score DESC, r.product_id;
END $$;

CREATE FUNCTION similar_products_exact(
    sku text, k integer DEFAULT 10,
    category text DEFAULT NULL, price_min numeric DEFAULT NULL, price_max numeric DEFAULT NULL, in_stock boolean DEFAULT NULL,
    w_text double precision DEFAULT NULL, w_image double precision DEFAULT NULL, w_reviews double precision DEFAULT NULL,
    space text DEFAULT NULL
) RETURNS SETOF similar_product LANGUAGE sql STABLE ROWS 10 AS $$
    SELECT * FROM shelfmate.similar_products(sku, k, category, price_min, price_max, in_stock,
                                             w_text, w_image, w_reviews, space, exact => true)
$$;

CREATE FUNCTION explain_similarity(a text, b text, space text DEFAULT NULL)
    RETURNS TABLE (modality text, weight double precision, cosine double precision, contribution double precision)
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE
    chosen shelfmate.embedding_spaces := shelfmate.find_space(space);
    one shelfmate.product_embeddings := shelfmate.find_embedding(chosen, a);
    two shelfmate.product_embeddings := shelfmate.find_embedding(chosen, b);
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT m.name, m.weight, 1 - (m.one <=> m.two), m.contribution
           FROM (SELECT $11 AS fused) e,
                LATERAL (VALUES (''text'', $2, $3, $4, %s), (''image'', $5, $6, $7, %s), (''reviews'', $8, $9, $10, %s))
                AS m (name, weight, one, two, contribution)
          WHERE m.weight > 0',
        shelfmate.block_score(1, chosen.text_dimensions),
        shelfmate.block_score(1 + chosen.text_dimensions, chosen.image_dimensions),
        shelfmate.block_score(1 + chosen.text_dimensions + chosen.image_dimensions, chosen.reviews_dimensions))
    USING one.fused, chosen.text_weight, one.text, two.text, chosen.image_weight, one.image, two.image,
          chosen.reviews_weight, one.reviews, two.reviews, two.fused;
END $$;

CREATE VIEW active_embeddings AS
    SELECT NULL::bigint AS product_id, NULL::text AS sku, NULL::halfvec AS text, NULL::halfvec AS image,
           NULL::halfvec AS reviews, NULL::halfvec AS fused WHERE false;
SELECT comment_active_embeddings();
