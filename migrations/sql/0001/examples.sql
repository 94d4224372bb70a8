-- What a query is made of: products and vectors to be like and unlike, and how a product's likeness to them adds up.

CREATE TYPE query_example AS (
    kind text, place integer, weight double precision, product_id bigint,
    text halfvec, image halfvec, reviews halfvec,
    text_factor double precision, image_factor double precision, reviews_factor double precision
);

-- Weights of the modalities: those of the query, where what is left out is 0; or else the space's own.
CREATE FUNCTION query_weights(space embedding_spaces, weights jsonb) RETURNS double precision[] LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    answer double precision[];
    unknown text;
BEGIN
    IF weights IS NULL OR weights = 'null' THEN
        RETURN ARRAY[space.text_weight, space.image_weight, space.reviews_weight];
    END IF;
    IF jsonb_typeof(weights) <> 'object' THEN
        RAISE EXCEPTION 'weights is an object such as {"text": 0.6, "image": 0.4}' USING ERRCODE = 'SM005', COLUMN = 'weights';
    END IF;
    SELECT key INTO unknown FROM jsonb_object_keys(weights) key WHERE key NOT IN ('text', 'image', 'reviews') LIMIT 1;
    IF unknown IS NOT NULL THEN
        RAISE EXCEPTION 'there is no modality %: text, image and reviews have weights', unknown
            USING ERRCODE = 'SM005', COLUMN = 'weights.' || unknown;
    END IF;
    answer := ARRAY[coalesce(shelfmate.weight_at(weights, 'text', 'weights'), 0),
                    coalesce(shelfmate.weight_at(weights, 'image', 'weights'), 0),
                    coalesce(shelfmate.weight_at(weights, 'reviews', 'weights'), 0)];
    PERFORM shelfmate.check_weights(space, answer[1], answer[2], answer[3]);
    RETURN answer;
END $$;

CREATE FUNCTION number_at(object jsonb, name text, place text) RETURNS double precision LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF object -> name IS NULL OR object -> name = 'null' THEN
        RETURN NULL;
    END IF;
    IF jsonb_typeof(object -> name) <> 'number' OR abs((object ->> name)::numeric) > 1e9 THEN
        RAISE EXCEPTION '% is not a number that fits', concat_ws('.', nullif(place, ''), name)
            USING ERRCODE = 'SM005', COLUMN = concat_ws('.', nullif(place, ''), name);
    END IF;
    RETURN CASE WHEN abs((object ->> name)::numeric) < 1e-300 THEN 0 ELSE (object ->> name)::double precision END;
END $$;

CREATE FUNCTION weight_at(object jsonb, name text, place text) RETURNS double precision LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    weight double precision := shelfmate.number_at(object, name, place);
BEGIN
    -- What is that small counts nothing, and would underflow once it is multiplied.
    RETURN CASE WHEN abs(weight) < 1e-30 THEN 0 ELSE weight END;
END $$;

-- One example as it is compared: its blocks, and by what the inner product with a stored block is multiplied.
CREATE FUNCTION read_example(space embedding_spaces, example jsonb, kind text, place integer, weights double precision[])
    RETURNS query_example LANGUAGE plpgsql STABLE AS $$
DECLARE
    path text := format('%s[%s]', kind, place);
    answer shelfmate.query_example;
    stored shelfmate.product_embeddings;
    unknown text;
BEGIN
    IF jsonb_typeof(example) <> 'object' OR (example ? 'sku') = (example ? 'vector') THEN
        RAISE EXCEPTION '% is an object with a sku or a vector, such as {"sku": "A1", "weight": 1}', path
            USING ERRCODE = 'SM005', COLUMN = path;
    END IF;
    SELECT key INTO unknown FROM jsonb_object_keys(example) key WHERE key NOT IN ('sku', 'vector', 'weight') LIMIT 1;
    IF unknown IS NOT NULL THEN
        RAISE EXCEPTION '% has no field %: sku or vector, and weight', path, unknown
            USING ERRCODE = 'SM005', COLUMN = path || '.' || unknown;
    END IF;
    answer.kind := kind;
    answer.place := place;
    -- As much again as the likes would turn the query away from them: what is not liked counts half, unless it is told.
    answer.weight := coalesce(shelfmate.weight_at(example, 'weight', path), CASE kind WHEN 'like' THEN 1 ELSE 0.5 END);
    IF answer.weight <= 0 OR answer.weight > 1000 THEN
        RAISE EXCEPTION '%.weight is above 0 and at most 1000', path USING ERRCODE = 'SM005', COLUMN = path || '.weight';
    END IF;
    IF example ? 'sku' THEN
        IF jsonb_typeof(example -> 'sku') <> 'string' THEN
            RAISE EXCEPTION '%.sku is a text', path USING ERRCODE = 'SM005', COLUMN = path || '.sku';
        END IF;
        stored := shelfmate.find_embedding(space, example ->> 'sku', path || '.sku');
        answer.product_id := stored.product_id;
        -- The fused vector's own blocks, sqrt(weight) times a unit: under the space's weights the factor is 1.
        IF space.text_dimensions > 0 THEN
            answer.text := subvector(stored.fused, 1, space.text_dimensions);
            answer.text_factor := weights[1] / space.text_weight;
        END IF;
        IF space.image_dimensions > 0 THEN
            answer.image := subvector(stored.fused, 1 + space.text_dimensions, space.image_dimensions);
            answer.image_factor := weights[2] / space.image_weight;
        END IF;
        IF space.reviews_dimensions > 0 THEN
            answer.reviews := subvector(stored.fused, 1 + space.text_dimensions + space.image_dimensions, space.reviews_dimensions);
            answer.reviews_factor := weights[3] / space.reviews_weight;
        END IF;
        RETURN answer;
    END IF;
    IF jsonb_typeof(example -> 'vector') <> 'object' OR example -> 'vector' = '{}' THEN
        RAISE EXCEPTION '%.vector is an object with a list of numbers for text, image or reviews', path
            USING ERRCODE = 'SM005', COLUMN = path || '.vector';
    END IF;
    SELECT key INTO unknown FROM jsonb_object_keys(example -> 'vector') key WHERE key NOT IN ('text', 'image', 'reviews') LIMIT 1;
    IF unknown IS NOT NULL THEN
        RAISE EXCEPTION '%.vector has no modality %: text, image and reviews', path, unknown
            USING ERRCODE = 'SM005', COLUMN = path || '.vector.' || unknown;
    END IF;
    answer.text := shelfmate.read_unit(example -> 'vector' -> 'text', space.text_dimensions, path || '.vector.text');
    answer.image := shelfmate.read_unit(example -> 'vector' -> 'image', space.image_dimensions, path || '.vector.image');
    answer.reviews := shelfmate.read_unit(example -> 'vector' -> 'reviews', space.reviews_dimensions, path || '.vector.reviews');
    answer.text_factor := weights[1] / nullif(sqrt(space.text_weight), 0);
    answer.image_factor := weights[2] / nullif(sqrt(space.image_weight), 0);
    answer.reviews_factor := weights[3] / nullif(sqrt(space.reviews_weight), 0);
    RETURN answer;
END $$;

CREATE FUNCTION read_unit(numbers jsonb, dimensions integer, path text) RETURNS halfvec LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    given vector;
BEGIN
    IF numbers IS NULL OR numbers = 'null' THEN
        RETURN NULL;
    END IF;
    IF dimensions = 0 THEN
        RAISE EXCEPTION '%: the embedding space lacks this modality', path USING ERRCODE = 'SM005', COLUMN = path;
    END IF;
    BEGIN
        given := numbers::text::vector;
    EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
        RAISE EXCEPTION '% is not a list of finite numbers', path USING ERRCODE = 'SM005', COLUMN = path;
    END;
    IF vector_dims(given) <> dimensions THEN
        RAISE EXCEPTION '% has % numbers, the embedding space takes %', path, vector_dims(given), dimensions
            USING ERRCODE = 'SM005', COLUMN = path;
    END IF;
    IF vector_norm(given) = 0 OR vector_norm(given) = 'Infinity' THEN
        RAISE EXCEPTION '% has no direction: it is zero, or too long to measure', path USING ERRCODE = 'SM005', COLUMN = path;
    END IF;
    RETURN l2_normalize(given)::halfvec;
END $$;

CREATE FUNCTION read_examples(space embedding_spaces, query jsonb, weights double precision[]) RETURNS query_example[]
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    most_examples CONSTANT integer := 100;
    answer shelfmate.query_example[] := '{}';
    example shelfmate.query_example;
    kind text;
    likes double precision := 0;
BEGIN
    FOREACH kind IN ARRAY ARRAY['like', 'unlike'] LOOP
        CONTINUE WHEN query -> kind IS NULL OR query -> kind = 'null';
        IF jsonb_typeof(query -> kind) <> 'array' OR jsonb_array_length(query -> kind) > most_examples THEN
            RAISE EXCEPTION '% is a list of at most % examples', kind, most_examples USING ERRCODE = 'SM005', COLUMN = kind;
        END IF;
        FOR place IN 0..jsonb_array_length(query -> kind) - 1 LOOP
            BEGIN
                answer := answer || shelfmate.read_example(space, query -> kind -> place, kind, place, weights);
            EXCEPTION WHEN SQLSTATE 'SM002' OR SQLSTATE 'SM003' THEN
                -- A product without vectors says nothing; where a fallback is wanted, that is what it is for.
                IF (query -> 'fallback') IS DISTINCT FROM 'true' THEN
                    RAISE;
                END IF;
            END;
        END LOOP;
    END LOOP;
    -- Weights of likes add up to 1 (where only the best counts, the greatest is 1), and unlikes are measured against them.
    FOREACH example IN ARRAY answer LOOP
        IF example.kind = answer[1].kind THEN
            likes := CASE query ->> 'strategy' WHEN 'best_score' THEN greatest(likes, example.weight) ELSE likes + example.weight END;
        END IF;
    END LOOP;
    FOR place IN 1..cardinality(answer) LOOP
        answer[place].weight := answer[place].weight / likes * CASE answer[place].kind WHEN 'like' THEN 1 ELSE -1 END;
    END LOOP;
    RETURN answer;
END $$;

-- The vector whose inner product with fused orders as the sum of the examples' likenesses does.
CREATE FUNCTION combine_examples(space embedding_spaces, examples query_example[]) RETURNS halfvec LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    example shelfmate.query_example;
    part vector;
    total vector;
BEGIN
    FOREACH example IN ARRAY examples LOOP
        part := NULL;
        IF space.text_dimensions > 0 THEN
            part := shelfmate.weighted_block(example.text, space.text_dimensions, example.weight * example.text_factor);
        END IF;
        IF space.image_dimensions > 0 THEN
            part := shelfmate.joined(part, shelfmate.weighted_block(example.image, space.image_dimensions,
                                                                    example.weight * example.image_factor));
        END IF;
        IF space.reviews_dimensions > 0 THEN
            part := shelfmate.joined(part, shelfmate.weighted_block(example.reviews, space.reviews_dimensions,
                                                                    example.weight * example.reviews_factor));
        END IF;
        total := CASE WHEN total IS NULL THEN part ELSE total + part END;
    END LOOP;
    RETURN l2_normalize(total)::halfvec;
END $$;

COMMENT ON TYPE query_example IS 'A product or vector to be like or unlike: its blocks, its signed share of the query, and the factors of its modalities.';
COMMENT ON FUNCTION query_weights(embedding_spaces, jsonb) IS 'Weights of text, image and reviews: the query''s, or the space''s own where it gives none.';
COMMENT ON FUNCTION number_at(jsonb, text, text) IS 'A number of a JSON object by name, null where it is absent.';
COMMENT ON FUNCTION weight_at(jsonb, text, text) IS 'A weight of a JSON object by name; 0 where it is too small to count.';
COMMENT ON FUNCTION read_example(embedding_spaces, jsonb, text, integer, double precision[]) IS 'One like or unlike of a query, with its vectors.';
COMMENT ON FUNCTION read_unit(jsonb, integer, text) IS 'A vector given as JSON, scaled to length 1.';
COMMENT ON FUNCTION read_examples(embedding_spaces, jsonb, double precision[]) IS 'The likes and unlikes of a query; the weights of the likes add up to 1.';
COMMENT ON FUNCTION combine_examples(embedding_spaces, query_example[]) IS
    'One query vector for several examples: its inner product with fused is, but for a scale, the weighted sum of the likenesses.';
