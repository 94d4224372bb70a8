-- Ranking: one implementation, which SQL and HTTP share.

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
