-- Spaces with a linear kernel: blocks keep their lengths, a product need not be nearest to itself, and every ranking is exact.

CREATE OR REPLACE FUNCTION is_indexed(space_id integer, column_name text DEFAULT 'fused') RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT i.indisvalid FROM pg_index i
                      WHERE i.indexrelid = to_regclass(format('shelfmate.product_embeddings_%s_%s_hnsw', space_id, column_name))),
                    false)
       -- Whoever builds one there by hand is not misled by it.
       AND NOT EXISTS (SELECT FROM shelfmate.embedding_spaces s WHERE s.id = space_id AND s.kernel = 'linear')
$$;

-- What is given as a vector keeps its length, too.
ALTER FUNCTION read_example(embedding_spaces, jsonb, text, integer, double precision[]) RENAME TO read_unit_example;

CREATE FUNCTION read_example(space embedding_spaces, example jsonb, kind text, place integer, weights double precision[])
    RETURNS query_example LANGUAGE plpgsql STABLE AS $$
DECLARE
    answer shelfmate.query_example := shelfmate.read_unit_example(space, example, kind, place, weights);
BEGIN
    IF space.kernel = 'linear' AND example ? 'vector' THEN
        answer.text := shelfmate.at_length(answer.text, example -> 'vector' -> 'text', format('%s[%s].vector.text', kind, place));
        answer.image := shelfmate.at_length(answer.image, example -> 'vector' -> 'image', format('%s[%s].vector.image', kind, place));
    END IF;
    RETURN answer;
END $$;

CREATE FUNCTION at_length(unit halfvec, given jsonb, path text) RETURNS halfvec LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    -- The unit vector was read from it: it is one.
    RETURN CASE WHEN unit IS NOT NULL THEN given::text::vector::halfvec END;
EXCEPTION WHEN numeric_value_out_of_range THEN
    RAISE EXCEPTION '% has a number beyond 65504', path USING ERRCODE = 'SM005', COLUMN = path;
END $$;

ALTER FUNCTION fuse_search(embedding_spaces, jsonb, jsonb) RENAME TO fuse_unit_search;

CREATE FUNCTION fuse_search(space embedding_spaces, vector jsonb, weights jsonb) RETURNS halfvec LANGUAGE plpgsql STABLE
    SET search_path FROM CURRENT AS $$
DECLARE
    fused halfvec := shelfmate.fuse_unit_search(space, vector, weights);
BEGIN
    IF space.kernel <> 'linear' THEN
        RETURN fused;
    END IF;
    RETURN shelfmate.weigh_query(space, fused, ARRAY[
        coalesce(vector_norm((nullif(vector -> 'text', 'null'))::text::vector), 1),
        coalesce(vector_norm((nullif(vector -> 'image', 'null'))::text::vector), 1), 1]);
END $$;

CREATE OR REPLACE FUNCTION unit_blocks(space embedding_spaces, fused halfvec) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(b.name, b.unit::text::jsonb), '{}')
      FROM (SELECT m.name, CASE space.kernel
                               WHEN 'cosine' THEN l2_normalize(subvector(fused, m.first, m.dimensions))
                               ELSE (subvector(fused, m.first, m.dimensions)::vector
                                     * array_fill((1 / sqrt(m.weight))::real, ARRAY[m.dimensions])::vector)::halfvec END AS unit
              FROM (VALUES ('text', 1, space.text_dimensions, space.text_weight),
                           ('image', 1 + space.text_dimensions, space.image_dimensions, space.image_weight),
                           ('reviews', 1 + space.text_dimensions + space.image_dimensions, space.reviews_dimensions, space.reviews_weight))
                   AS m (name, first, dimensions, weight)
             WHERE m.dimensions > 0) b
     WHERE l2_norm(b.unit) > 0
$$;

COMMENT ON FUNCTION is_indexed(integer, text) IS 'Whether a column of a space has a valid HNSW index; never under a linear kernel.';
COMMENT ON FUNCTION read_unit_example(embedding_spaces, jsonb, text, integer, double precision[]) IS
    'One like or unlike of a query, with its vectors at length 1.';
COMMENT ON FUNCTION read_example(embedding_spaces, jsonb, text, integer, double precision[]) IS
    'One like or unlike of a query, with its vectors: at length 1, or under a linear kernel at their own.';
COMMENT ON FUNCTION at_length(halfvec, jsonb, text) IS 'A vector given as JSON at its own length; null where the unit vector is.';
COMMENT ON FUNCTION fuse_unit_search(embedding_spaces, jsonb, jsonb) IS 'The query vector of a search whose vectors count at length 1.';
COMMENT ON FUNCTION fuse_search(embedding_spaces, jsonb, jsonb) IS
    'The query vector of a search, scaled to order as its weights say; under a linear kernel its vectors keep their lengths.';
COMMENT ON FUNCTION unit_blocks(embedding_spaces, halfvec) IS
    'The unit vectors in a fused one, by modality, as the argument of recommend() has them; under a linear kernel at their own lengths.';
