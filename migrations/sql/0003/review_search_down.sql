DROP FUNCTION better_reviewed(text, integer, jsonb, double precision, double precision, double precision, text);
DROP TYPE better_product;
DROP FUNCTION search_reviews(jsonb);
DROP FUNCTION check_review_search(jsonb);
DROP FUNCTION store_due_review_words(integer);
DROP TRIGGER words_inserted ON reviews;
DROP TRIGGER words_edited ON reviews;
DROP TRIGGER words_deleted ON reviews;
DROP TRIGGER words_truncated ON reviews;
DROP FUNCTION store_review_words();
DROP FUNCTION words_of_review(text, text);
DROP TABLE review_words_due, review_words;

CREATE OR REPLACE FUNCTION fuse_unit_search(space embedding_spaces, vector jsonb, weights jsonb) RETURNS halfvec LANGUAGE plpgsql STABLE
    SET search_path FROM CURRENT AS $$
DECLARE
    unit_text halfvec := shelfmate.read_vector(vector, 'text', space.text_dimensions);
    unit_image halfvec := shelfmate.read_vector(vector, 'image', space.image_dimensions);
    w_text double precision := CASE WHEN unit_text IS NOT NULL THEN space.text_weight END;
    w_image double precision := CASE WHEN unit_image IS NOT NULL THEN space.image_weight END;
    wrong text;
BEGIN
    SELECT min(name) INTO wrong FROM jsonb_object_keys(vector) name WHERE name NOT IN ('text', 'image');
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION '% is unknown; known are text, image', wrong USING ERRCODE = 'SM005', COLUMN = 'vector.' || wrong;
    END IF;
    IF jsonb_typeof(weights) = 'object' THEN
        SELECT min(name) INTO wrong FROM jsonb_each(weights) m (name, value)
         WHERE NOT CASE WHEN name NOT IN ('text', 'image') THEN false
                        WHEN jsonb_typeof(value) = 'number' THEN (weights ->> name)::numeric BETWEEN 0 AND 1000
                        ELSE jsonb_typeof(value) = 'null' END;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION 'weights are of text and image, from 0 to 1000' USING ERRCODE = 'SM005', COLUMN = 'weights.' || wrong;
        END IF;
        w_text := (weights ->> 'text')::double precision;
        w_image := (weights ->> 'image')::double precision;
        wrong := CASE WHEN w_text > 0 AND unit_text IS NULL THEN 'text' WHEN w_image > 0 AND unit_image IS NULL THEN 'image' END;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION 'a weight is given for %, but no %', wrong, wrong USING ERRCODE = 'SM005', COLUMN = 'weights.' || wrong;
        END IF;
    END IF;
    -- Halves have little room below 1; the order does not change by a factor.
    RETURN shelfmate.fuse_query(space, unit_text, unit_image, NULL,
        w_text / nullif(greatest(w_text, w_image), 0), w_image / nullif(greatest(w_text, w_image), 0), NULL);
END $$;
