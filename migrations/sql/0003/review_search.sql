-- Search inside reviews, by words and by meaning; similar products that are rated better; free texts that reach the reviews' block.

CREATE TABLE review_words (
    product_id bigint NOT NULL,
    review_id  bigint NOT NULL,
    words      tsvector NOT NULL,
    PRIMARY KEY (product_id, review_id)
);
CREATE INDEX review_words_words_idx ON review_words USING gin (words) WITH (gin_pending_list_limit = 512);

-- Words cost more than all the rest of an import: those of many reviews at once are stored by upkeep, a moment later.
CREATE TABLE review_words_due (product_id bigint NOT NULL);

CREATE FUNCTION words_of_review(title text, body text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT setweight(to_tsvector('pg_catalog.english', translate(left(title, 1000), '/', ' ')), 'A')
        || setweight(to_tsvector('pg_catalog.english', translate(left(body, 20000), '/', ' ')), 'D')
$$;

CREATE FUNCTION store_review_words() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    at_once CONSTANT integer := 50;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM shelfmate.review_words;
        DELETE FROM shelfmate.review_words_due;
    ELSIF TG_OP = 'DELETE' THEN
        DELETE FROM shelfmate.review_words w USING old_reviews o WHERE w.product_id = o.product_id AND w.review_id = o.id;
    ELSIF TG_OP = 'UPDATE' THEN
        DELETE FROM shelfmate.review_words w USING old_reviews o
         WHERE w.product_id = o.product_id AND w.review_id = o.id
           AND NOT EXISTS (SELECT FROM new_reviews n WHERE n.product_id = o.product_id AND n.id = o.id AND n.title = o.title AND n.body = o.body);
    END IF;
    IF TG_OP NOT IN ('INSERT', 'UPDATE') THEN
        RETURN NULL;
    ELSIF (SELECT count(*) FROM (SELECT FROM new_reviews LIMIT at_once + 1) n) > at_once THEN
        INSERT INTO shelfmate.review_words_due (product_id) SELECT DISTINCT n.product_id FROM new_reviews n;
    ELSE
        INSERT INTO shelfmate.review_words AS w (product_id, review_id, words)
        SELECT n.product_id, n.id, shelfmate.words_of_review(n.title, n.body) FROM new_reviews n
         WHERE TG_OP = 'INSERT' OR NOT EXISTS (SELECT FROM shelfmate.review_words k WHERE k.product_id = n.product_id AND k.review_id = n.id)
        ON CONFLICT (product_id, review_id) DO UPDATE SET words = excluded.words;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER words_inserted AFTER INSERT ON reviews REFERENCING NEW TABLE AS new_reviews
    FOR EACH STATEMENT EXECUTE FUNCTION store_review_words();
CREATE TRIGGER words_edited AFTER UPDATE ON reviews REFERENCING OLD TABLE AS old_reviews NEW TABLE AS new_reviews
    FOR EACH STATEMENT EXECUTE FUNCTION store_review_words();
CREATE TRIGGER words_deleted AFTER DELETE ON reviews REFERENCING OLD TABLE AS old_reviews
    FOR EACH STATEMENT EXECUTE FUNCTION store_review_words();
CREATE TRIGGER words_truncated AFTER TRUNCATE ON reviews FOR EACH STATEMENT EXECUTE FUNCTION store_review_words();

-- Up to so many products' words that are due; returns how many products that were. Reviews are locked against deletion, so that no
-- words are left over of one that goes meanwhile.
CREATE FUNCTION store_due_review_words(most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    due bigint[];
    taken integer;
BEGIN
    WITH gone AS (
        DELETE FROM shelfmate.review_words_due d
         WHERE d.ctid = ANY (ARRAY(SELECT t.ctid FROM shelfmate.review_words_due t LIMIT most FOR UPDATE SKIP LOCKED))
        RETURNING d.product_id
    )
    SELECT array_agg(DISTINCT g.product_id), count(*) INTO due, taken FROM gone g;
    INSERT INTO shelfmate.review_words (product_id, review_id, words)
    SELECT l.product_id, l.id, shelfmate.words_of_review(l.title, l.body)
      FROM (SELECT r.product_id, r.id, r.title, r.body FROM shelfmate.reviews r
             WHERE r.product_id = ANY (due)
               AND NOT EXISTS (SELECT FROM shelfmate.review_words w WHERE w.product_id = r.product_id AND w.review_id = r.id)
               FOR KEY SHARE SKIP LOCKED) l
    ON CONFLICT DO NOTHING;
    RETURN taken;
END $$;
INSERT INTO review_words_due (product_id) SELECT DISTINCT product_id FROM reviews;

CREATE FUNCTION check_review_search(query jsonb) RETURNS void LANGUAGE plpgsql STABLE AS $$
DECLARE
    known CONSTANT jsonb := '{"vector": "array", "words": "string", "k": "number", "filter": "object", "sku": "string",
        "rating_min": "number", "rating_max": "number", "space": "string"}';
    member record;
BEGIN
    IF query IS NULL OR jsonb_typeof(query) <> 'object' THEN
        RAISE EXCEPTION 'the query must be an object' USING ERRCODE = 'SM005', COLUMN = 'query';
    END IF;
    FOR member IN SELECT * FROM jsonb_each(query) LOOP
        IF NOT known ? member.key THEN
            RAISE EXCEPTION '% is unknown; known are %', left(member.key, 60), (SELECT string_agg(name, ', ') FROM jsonb_object_keys(known) name)
                USING ERRCODE = 'SM005', COLUMN = left(member.key, 60);
        ELSIF jsonb_typeof(member.value) NOT IN (known ->> member.key, 'null') THEN
            RAISE EXCEPTION '% must be of the type %', member.key, known ->> member.key USING ERRCODE = 'SM005', COLUMN = member.key;
        END IF;
    END LOOP;
    IF (query ->> 'k')::numeric <> trunc((query ->> 'k')::numeric) OR (query ->> 'k')::numeric NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION 'k is %, but must be a whole number from 1 to 1000', query ->> 'k' USING ERRCODE = 'SM005', COLUMN = 'k';
    END IF;
    FOR member IN SELECT m.key, (m.value #>> '{}')::numeric AS stars FROM jsonb_each(query) m
                   WHERE m.key IN ('rating_min', 'rating_max') AND m.value <> 'null' LOOP
        IF member.stars NOT BETWEEN 1 AND 5 THEN
            RAISE EXCEPTION '% is %, but must lie between 1 and 5', member.key, member.stars USING ERRCODE = 'SM005', COLUMN = member.key;
        END IF;
    END LOOP;
    IF query ->> 'words' IS NULL AND coalesce(query -> 'vector', 'null') = 'null' THEN
        RAISE EXCEPTION 'give words, a vector or both' USING ERRCODE = 'SM005', COLUMN = 'words';
    END IF;
    IF length(query ->> 'words') > 1000 OR query ->> 'words' ~ '^\s*$' THEN
        RAISE EXCEPTION 'words are 1 to 1,000 characters and not blank' USING ERRCODE = 'SM005', COLUMN = 'words';
    END IF;
END $$;

CREATE FUNCTION search_reviews(query jsonb) RETURNS TABLE (
    review_id bigint, product_id bigint, sku text, title text, rating smallint, review_title text, review_body text,
    score double precision, helpful_votes integer, verified boolean, written_at timestamptz, mode text
) LANGUAGE plpgsql STABLE ROWS 10
    SET search_path FROM CURRENT
    SET hnsw.iterative_scan = relaxed_order
    SET hnsw.ef_search = 200
    SET hnsw.max_scan_tuples = 20000
AS $$
#variable_conflict use_column
DECLARE
    nearest CONSTANT text := 'SELECT array_agg(n.product_id ORDER BY n.distance, n.review_id, n.product_id),
                                     array_agg(n.review_id ORDER BY n.distance, n.review_id, n.product_id) FROM (%s) n';
    -- Places beyond have no part in the score where words and meaning both count.
    depth integer;
    k integer;
    filter jsonb;
    -- Of a review r and its product p; null for all.
    condition text;
    words tsquery;
    space shelfmate.embedding_spaces;
    asked halfvec;
    wanted bigint;
    lowest smallint := ceil((query ->> 'rating_min')::numeric);
    highest smallint := floor((query ->> 'rating_max')::numeric);
    near_products bigint[];
    near_reviews bigint[];
    lexical text;
    statement text;
    how text := 'words';
BEGIN
    PERFORM shelfmate.check_review_search(query);
    k := coalesce((query ->> 'k')::numeric::integer, 10);
    filter := nullif(query -> 'filter', 'null');
    condition := concat_ws(' AND ', shelfmate.filter_condition(filter, '$2'),
                           CASE WHEN lowest IS NOT NULL THEN 'r.rating >= $3' END, CASE WHEN highest IS NOT NULL THEN 'r.rating <= $4' END);
    IF query ->> 'sku' IS NOT NULL THEN
        SELECT p.id INTO wanted FROM shelfmate.products p WHERE p.sku = query ->> 'sku';
        IF NOT FOUND THEN
            RAISE EXCEPTION 'no product with sku %', query ->> 'sku' USING ERRCODE = 'SM001', COLUMN = 'sku';
        END IF;
    END IF;
    words := shelfmate.read_words(query ->> 'words');
    IF coalesce(query -> 'vector', 'null') <> 'null' THEN
        space := shelfmate.find_space(query ->> 'space');
        IF space.reviews_dimensions = 0 THEN
            RAISE EXCEPTION 'the embedding space % has no reviews', space.name USING ERRCODE = 'SM005', COLUMN = 'space',
                HINT = 'Name one that has, or make one: shelfmate space create NAME --recipe reviewed.';
        END IF;
        asked := shelfmate.read_unit(query -> 'vector', space.reviews_dimensions, 'vector');
        depth := CASE WHEN words IS NULL THEN k ELSE greatest(k, 100) END;
        statement := format(
            'SELECT e.product_id, e.review_id, e.embedding <=> $1 AS distance FROM shelfmate.review_embeddings_%s e %s WHERE e.embedding IS NOT NULL %s %s
              ORDER BY e.embedding::halfvec(%s) <=> $1 LIMIT $5',
            space.id,
            CASE WHEN condition <> '' THEN 'JOIN shelfmate.reviews r ON r.product_id = e.product_id AND r.id = e.review_id
                                            JOIN shelfmate.products p ON p.id = e.product_id' ELSE '' END,
            CASE WHEN wanted IS NOT NULL THEN 'AND e.product_id = $6' ELSE '' END, 'AND ' || nullif(condition, ''),
            space.reviews_dimensions);
        how := CASE WHEN wanted IS NULL AND EXISTS (
                        SELECT FROM pg_index i
                         WHERE i.indexrelid = to_regclass(format('shelfmate.review_embeddings_%s_embedding_hnsw', space.id)) AND i.indisvalid)
                    THEN 'ann' ELSE 'exact' END;
        EXECUTE format(nearest, statement)
           INTO near_products, near_reviews USING asked, filter, lowest, highest, depth, wanted;
        IF how = 'ann' AND coalesce(cardinality(near_reviews), 0) < depth THEN
            -- The graph gave up, or there are no more: only a sort can tell.
            how := 'exact';
            EXECUTE format(nearest, replace(statement, '<=> $1 LIMIT', '<=> $1 + 0 LIMIT'))
               INTO near_products, near_reviews USING asked, filter, lowest, highest, depth, wanted;
        END IF;
    END IF;

    -- Of one product all reviews are read, those that upkeep has yet to come to among them.
    lexical := CASE WHEN words IS NULL OR numnode(words) = 0 THEN 'SELECT NULL::bigint AS product_id, NULL::bigint AS review_id, NULL::real AS relevance WHERE false'
        WHEN wanted IS NOT NULL THEN
            'SELECT r.product_id, r.id AS review_id, ts_rank(shelfmate.words_of_review(r.title, r.body), $7, 16) AS relevance
               FROM shelfmate.reviews r JOIN shelfmate.products p ON p.id = r.product_id
              WHERE r.product_id = $6 AND shelfmate.words_of_review(r.title, r.body) @@ $7'
        ELSE
            'SELECT w.product_id, w.review_id, ts_rank(w.words, $7, 16) AS relevance
               FROM shelfmate.review_words w JOIN shelfmate.reviews r ON r.product_id = w.product_id AND r.id = w.review_id
               JOIN shelfmate.products p ON p.id = w.product_id
              WHERE w.words @@ $7' END
        || CASE WHEN words IS NULL OR numnode(words) = 0 THEN ''
                ELSE coalesce(' AND ' || nullif(condition, ''), '') || ' ORDER BY 3 DESC, 2, 1 LIMIT 1000' END;
    RETURN QUERY EXECUTE format(
        'WITH said AS MATERIALIZED (SELECT l.*, row_number() OVER (ORDER BY l.relevance DESC, l.review_id, l.product_id) AS place FROM (%1$s) l),
              meant AS MATERIALIZED (SELECT m.* FROM unnest($8, $11) WITH ORDINALITY m (product_id, review_id, place)),
              best AS (SELECT product_id, review_id, %2$s AS score FROM said FULL JOIN meant USING (product_id, review_id)
                        ORDER BY 3 DESC, 2, 1 LIMIT $9)
         SELECT r.id, r.product_id, p.sku, p.title, r.rating, r.title, r.body, %3$s, r.helpful_votes, r.verified, r.written_at, $10
           FROM best b JOIN shelfmate.reviews r ON r.product_id = b.product_id AND r.id = b.review_id
           JOIN shelfmate.products p ON p.id = r.product_id %4$s
          ORDER BY 8 DESC, 1, 2',
        lexical,
        CASE WHEN asked IS NULL THEN 'said.relevance'
             ELSE 'coalesce(1 / (60 + said.place::double precision), 0) + coalesce(1 / (60 + meant.place::double precision), 0)' END,
        -- By meaning alone it is the cosine.
        CASE WHEN asked IS NOT NULL AND words IS NULL THEN '1 - (e.embedding <=> $1)' ELSE 'b.score::double precision' END,
        CASE WHEN asked IS NOT NULL AND words IS NULL
             THEN format('JOIN shelfmate.review_embeddings_%s e ON e.product_id = r.product_id AND e.review_id = r.id', space.id) ELSE '' END)
    USING asked, filter, lowest, highest, depth, wanted, words, coalesce(near_products, '{}'), k, how, coalesce(near_reviews, '{}');
END $$;

CREATE TYPE better_product AS (
    sku text, title text, score double precision, bayesian_rating real, review_count integer, rating_gain double precision, product_id bigint,
    rating real, text double precision, image double precision, reviews double precision,
    brand text, category text, price numeric, currency text, in_stock boolean, variant_group text, space text, mode text
);

CREATE FUNCTION better_reviewed(
    sku text, k integer DEFAULT 10, filter jsonb DEFAULT NULL,
    w_text double precision DEFAULT NULL, w_image double precision DEFAULT NULL, w_reviews double precision DEFAULT NULL,
    space text DEFAULT NULL
) RETURNS SETOF better_product LANGUAGE plpgsql STABLE ROWS 10 AS $$
#variable_conflict use_column
DECLARE
    own real;
BEGIN
    SELECT coalesce(p.bayesian_rating, q.prior_mean) INTO own
      FROM shelfmate.products p, shelfmate.rating_prior q WHERE p.sku = better_reviewed.sku;
    RETURN QUERY
        SELECT s.sku, s.title, s.score, p.bayesian_rating, p.review_count, p.bayesian_rating::double precision - own, s.product_id,
               p.rating, s.text, s.image, s.reviews,
               s.brand, s.category, s.price, s.currency, s.in_stock, s.variant_group, s.space, s.mode
          FROM shelfmate.similar_products(
                   better_reviewed.sku, better_reviewed.k, w_text => better_reviewed.w_text, w_image => better_reviewed.w_image,
                   w_reviews => better_reviewed.w_reviews, space => better_reviewed.space,
                   -- A product that is not there is refused in there.
                   filter => jsonb_build_object('all', jsonb_build_array(
                       coalesce(nullif(better_reviewed.filter, 'null'), '{"all": []}'),
                       jsonb_build_object('field', 'bayesian_rating', 'gt', coalesce(own, 0))))) s
          JOIN shelfmate.products p ON p.id = s.product_id
         ORDER BY s.score DESC, s.product_id;
END $$;

-- As in 0001 (fuse_search until 0002 put another before it), with reviews.
CREATE OR REPLACE FUNCTION fuse_unit_search(space embedding_spaces, vector jsonb, weights jsonb) RETURNS halfvec LANGUAGE plpgsql STABLE
    SET search_path FROM CURRENT AS $$
DECLARE
    unit_text halfvec := shelfmate.read_vector(vector, 'text', space.text_dimensions);
    unit_image halfvec := shelfmate.read_vector(vector, 'image', space.image_dimensions);
    unit_reviews halfvec := shelfmate.read_vector(vector, 'reviews', space.reviews_dimensions);
    w_text double precision := CASE WHEN unit_text IS NOT NULL THEN space.text_weight END;
    w_image double precision := CASE WHEN unit_image IS NOT NULL THEN space.image_weight END;
    w_reviews double precision := CASE WHEN unit_reviews IS NOT NULL THEN space.reviews_weight END;
    greatest_weight double precision;
    wrong text;
BEGIN
    SELECT min(name) INTO wrong FROM jsonb_object_keys(vector) name WHERE name NOT IN ('text', 'image', 'reviews');
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION '% is unknown; known are text, image, reviews', wrong USING ERRCODE = 'SM005', COLUMN = 'vector.' || wrong;
    END IF;
    IF jsonb_typeof(weights) = 'object' THEN
        SELECT min(name) INTO wrong FROM jsonb_each(weights) m (name, value)
         WHERE NOT CASE WHEN name NOT IN ('text', 'image', 'reviews') THEN false
                        WHEN jsonb_typeof(value) = 'number' THEN (weights ->> name)::numeric BETWEEN 0 AND 1000
                        ELSE jsonb_typeof(value) = 'null' END;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION 'weights are of text, image and reviews, from 0 to 1000' USING ERRCODE = 'SM005', COLUMN = 'weights.' || wrong;
        END IF;
        w_text := (weights ->> 'text')::double precision;
        w_image := (weights ->> 'image')::double precision;
        w_reviews := (weights ->> 'reviews')::double precision;
        wrong := CASE WHEN w_text > 0 AND unit_text IS NULL THEN 'text' WHEN w_image > 0 AND unit_image IS NULL THEN 'image'
                      WHEN w_reviews > 0 AND unit_reviews IS NULL THEN 'reviews' END;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION 'a weight is given for %, but no %', wrong, wrong USING ERRCODE = 'SM005', COLUMN = 'weights.' || wrong;
        END IF;
    END IF;
    -- Halves have little room below 1; the order does not change by a factor.
    greatest_weight := nullif(greatest(w_text, w_image, w_reviews), 0);
    RETURN shelfmate.fuse_query(space, unit_text, unit_image, unit_reviews,
        w_text / greatest_weight, w_image / greatest_weight, w_reviews / greatest_weight);
END $$;

COMMENT ON TABLE review_words IS 'The words that a review is found by, kept by triggers on reviews, and by upkeep after an import.';
COMMENT ON COLUMN review_words.product_id IS 'reviews.product_id';
COMMENT ON COLUMN review_words.review_id IS 'reviews.id';
COMMENT ON COLUMN review_words.words IS 'English stems: A from the title, D from the body.';
COMMENT ON TABLE review_words_due IS 'Products some of whose reviews have no words yet; upkeep stores them and deletes the row.';
COMMENT ON COLUMN review_words_due.product_id IS 'products.id; may be there more than once.';
COMMENT ON FUNCTION words_of_review(text, text) IS 'The words that a review with this title and body is found by.';
COMMENT ON FUNCTION store_review_words() IS 'Trigger: the words of reviews, or a note that they are due where there are many.';
COMMENT ON FUNCTION store_due_review_words(integer) IS 'Stores the words that are due of up to so many products; returns how many there were.';
COMMENT ON FUNCTION check_review_search(jsonb) IS 'Refuses a query of search_reviews with an unknown member, or one of a type or size that does not fit.';
COMMENT ON FUNCTION search_reviews(jsonb) IS
    'The k best reviews for words, a vector or both, by reciprocal rank fusion where both are given. Members: vector (of the reviews'' encoder), words, k, filter (of products), sku, rating_min, rating_max, space.';
COMMENT ON TYPE better_product IS 'A similar product that is rated better: rating_gain is by how many stars its Bayesian mean is higher.';
COMMENT ON FUNCTION better_reviewed(text, integer, jsonb, double precision, double precision, double precision, text) IS
    'The k products most like the one with this sku whose Bayesian mean rating is higher; one without reviews has the prior''s. rating_gain is by how many stars.';
GRANT SELECT ON review_words, review_words_due TO analyst;
