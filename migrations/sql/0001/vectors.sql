-- Vectors: a query fused with any weights, and what is stored of a product.

CREATE FUNCTION weighted_block(unit halfvec, dimensions integer, factor double precision) RETURNS vector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN unit IS NULL THEN array_fill(0::real, ARRAY[dimensions])::vector
                ELSE unit::vector * array_fill(factor::real, ARRAY[dimensions])::vector END
$$;

CREATE FUNCTION check_weights(
    space embedding_spaces, w_text double precision, w_image double precision, w_reviews double precision
) RETURNS void LANGUAGE plpgsql IMMUTABLE AS $$
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
END $$;

-- A query with its blocks times their factors, as a vector of length 1: halves have little room below that.
CREATE FUNCTION weigh_query(space embedding_spaces, query halfvec, factors double precision[]) RETURNS halfvec
    LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    greatest_factor double precision := greatest(abs(factors[1]), abs(factors[2]), abs(factors[3]));
BEGIN
    RETURN l2_normalize(query::vector * (
        array_fill((coalesce(factors[1], 0) / greatest_factor)::real, ARRAY[space.text_dimensions])
        || array_fill((coalesce(factors[2], 0) / greatest_factor)::real, ARRAY[space.image_dimensions])
        || array_fill((coalesce(factors[3], 0) / greatest_factor)::real, ARRAY[space.reviews_dimensions]))::vector)::halfvec;
END $$;

CREATE FUNCTION joined(one vector, other vector) RETURNS vector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN one IS NULL THEN other ELSE one || other END
$$;

CREATE FUNCTION fuse_query(
    space embedding_spaces, text halfvec, image halfvec, reviews halfvec,
    w_text double precision, w_image double precision, w_reviews double precision
) RETURNS halfvec LANGUAGE plpgsql STABLE AS $$
DECLARE
    fused vector;
BEGIN
    PERFORM shelfmate.check_weights(space, w_text, w_image, w_reviews);
    IF space.text_dimensions > 0 THEN
        fused := shelfmate.weighted_block(text, space.text_dimensions, coalesce(w_text, 0) / sqrt(space.text_weight));
    END IF;
    IF space.image_dimensions > 0 THEN
        fused := shelfmate.joined(fused, shelfmate.weighted_block(image, space.image_dimensions,
                                                                  coalesce(w_image, 0) / sqrt(space.image_weight)));
    END IF;
    IF space.reviews_dimensions > 0 THEN
        fused := shelfmate.joined(fused, shelfmate.weighted_block(reviews, space.reviews_dimensions,
                                                                  coalesce(w_reviews, 0) / sqrt(space.reviews_weight)));
    END IF;
    RETURN fused::halfvec;
END $$;

CREATE FUNCTION block_score(first integer, dimensions integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN dimensions = 0 THEN 'NULL::double precision'
                ELSE format('-(subvector(e.fused, %1$s, %2$s) <#> subvector($1, %1$s, %2$s))', first, dimensions) END
$$;

CREATE FUNCTION is_indexed(space_id integer, column_name text DEFAULT 'fused') RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT i.indisvalid FROM pg_index i
                      WHERE i.indexrelid = to_regclass(format('shelfmate.product_embeddings_%s_%s_hnsw', space_id, column_name))),
                    false)
$$;

CREATE FUNCTION find_embedding(space embedding_spaces, sku text, field text DEFAULT 'sku') RETURNS product_embeddings LANGUAGE plpgsql STABLE AS $$
DECLARE
    embedding shelfmate.product_embeddings;
    wanted bigint;
    job shelfmate.embedding_jobs;
BEGIN
    SELECT p.id INTO wanted FROM shelfmate.products p WHERE p.sku = find_embedding.sku;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no product with sku %', find_embedding.sku USING ERRCODE = 'SM001', COLUMN = field;
    END IF;
    SELECT * INTO embedding FROM shelfmate.product_embeddings e WHERE e.product_id = wanted AND e.space_id = space.id;
    IF FOUND THEN
        RETURN embedding;
    END IF;
    SELECT * INTO job FROM shelfmate.embedding_jobs j WHERE j.product_id = wanted AND j.space_id = space.id;
    IF job.state = 'dead' THEN
        RAISE EXCEPTION 'the embedding of product % failed: %', find_embedding.sku, job.last_error
            USING ERRCODE = 'SM003', COLUMN = field, HINT = 'Mend its text or image, or run shelfmate jobs retry.';
    END IF;
    RAISE EXCEPTION 'product % is not embedded yet', find_embedding.sku
        USING ERRCODE = 'SM002', COLUMN = field, HINT = 'A worker embeds it within seconds; shelfmate jobs shows the queue.';
END $$;
