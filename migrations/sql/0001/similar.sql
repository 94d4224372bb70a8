-- What is like a product.

CREATE TYPE similar_product AS (
    sku text, title text, score double precision,
    text double precision, image double precision, reviews double precision,
    product_id bigint, brand text, category text, price numeric, currency text, in_stock boolean, variant_group text, space text, mode text
);

-- The few filters that have an argument of their own, joined with the general one.
CREATE FUNCTION simple_filter(category text, price_min numeric, price_max numeric, in_stock boolean, filter jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN category IS NULL AND price_min IS NULL AND price_max IS NULL AND in_stock IS NULL THEN filter
                ELSE jsonb_build_object('all', to_jsonb(array_remove(ARRAY[
                    CASE WHEN category IS NOT NULL THEN jsonb_build_object('field', 'category', 'under', category) END,
                    CASE WHEN price_min IS NOT NULL THEN jsonb_build_object('field', 'price', 'gte', price_min) END,
                    CASE WHEN price_max IS NOT NULL THEN jsonb_build_object('field', 'price', 'lte', price_max) END,
                    CASE WHEN in_stock IS NOT NULL THEN jsonb_build_object('field', 'in_stock', 'eq', in_stock) END,
                    filter], NULL))) END
$$;

CREATE FUNCTION similar_products(
    sku text, k integer DEFAULT 10,
    category text DEFAULT NULL, price_min numeric DEFAULT NULL, price_max numeric DEFAULT NULL, in_stock boolean DEFAULT NULL,
    w_text double precision DEFAULT NULL, w_image double precision DEFAULT NULL, w_reviews double precision DEFAULT NULL,
    space text DEFAULT NULL, exact boolean DEFAULT false, filter jsonb DEFAULT NULL
) RETURNS SETOF similar_product LANGUAGE plpgsql STABLE ROWS 10 AS $$
DECLARE
    chosen shelfmate.embedding_spaces := shelfmate.find_space(space);
    origin shelfmate.product_embeddings := shelfmate.find_embedding(chosen, similar_products.sku);
    factors double precision[];
BEGIN
    -- With the space's own weights the query is the stored vector itself.
    IF w_text IS NOT NULL OR w_image IS NOT NULL OR w_reviews IS NOT NULL THEN
        PERFORM shelfmate.check_weights(chosen, w_text, w_image, w_reviews);
        factors := ARRAY[coalesce(w_text, 0) / nullif(chosen.text_weight, 0), coalesce(w_image, 0) / nullif(chosen.image_weight, 0),
                         coalesce(w_reviews, 0) / nullif(chosen.reviews_weight, 0)];
    END IF;
    RETURN QUERY
        SELECT p.sku, p.title, r.score, r.text, r.image, r.reviews,
               p.id, p.brand, p.category, p.price, p.currency, p.in_stock, p.variant_group, chosen.name, r.mode
          FROM shelfmate.rank_products(
                   chosen, origin.fused, similar_products.k,
                   shelfmate.simple_filter(similar_products.category, price_min, price_max, similar_products.in_stock,
                                           similar_products.filter),
                   '{}', exact, ARRAY[origin.product_id], factors) r
          JOIN shelfmate.products p ON p.id = r.product_id
         ORDER BY r.score DESC, r.product_id;
END $$;

CREATE FUNCTION similar_products_exact(
    sku text, k integer DEFAULT 10,
    category text DEFAULT NULL, price_min numeric DEFAULT NULL, price_max numeric DEFAULT NULL, in_stock boolean DEFAULT NULL,
    w_text double precision DEFAULT NULL, w_image double precision DEFAULT NULL, w_reviews double precision DEFAULT NULL,
    space text DEFAULT NULL, filter jsonb DEFAULT NULL
) RETURNS SETOF similar_product LANGUAGE sql STABLE ROWS 10 AS $$
    SELECT * FROM shelfmate.similar_products(sku, k, category, price_min, price_max, in_stock,
                                             w_text, w_image, w_reviews, space, exact => true, filter => filter)
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

COMMENT ON TYPE similar_product IS 'A similar product: score, the part of each modality in it, and what a shop shows of it.';
COMMENT ON FUNCTION simple_filter(text, numeric, numeric, boolean, jsonb) IS 'One filter of the arguments that are given; null for none.';
COMMENT ON FUNCTION similar_products(text, integer, text, numeric, numeric, boolean, double precision, double precision, double precision, text, boolean, jsonb) IS
    'The k products most like the one with this sku. category takes the subtree, filter any filter. Without weights the space''s own hold; when one is given, those left out are 0.';
COMMENT ON FUNCTION similar_products_exact(text, integer, text, numeric, numeric, boolean, double precision, double precision, double precision, text, jsonb) IS
    'As similar_products, by comparing with every product instead of using an index.';
COMMENT ON FUNCTION explain_similarity(text, text, text) IS
    'Cosine, weight and contribution of each modality to the score between two products under the space''s own weights.';
