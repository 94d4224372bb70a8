-- Reviews as the third block of a space: what each review says is encoded once, and a product has the weighted mean of its own.

ALTER TABLE embedding_spaces
    ADD COLUMN reviews_encoder text,
    ADD COLUMN reviews_version text,
    ADD COLUMN reviews_projection text,
    ADD CONSTRAINT embedding_spaces_reviews_check
        CHECK ((reviews_encoder IS NULL) = (reviews_dimensions = 0) AND (reviews_dimensions = 0 OR kernel = 'cosine'));
ALTER TABLE space_models
    DROP CONSTRAINT space_models_modality_check,
    ADD CONSTRAINT space_models_modality_check CHECK (modality IN ('text', 'image', 'reviews'));

-- Without keys to reviews, which could not be truncated then: triggers on reviews delete what goes with them.
CREATE TABLE review_embeddings (
    product_id  bigint NOT NULL,
    review_id   bigint NOT NULL,
    space_id    integer NOT NULL REFERENCES embedding_spaces (id),
    embedding   halfvec,
    text_hash   bytea NOT NULL,
    embedded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (product_id, review_id, space_id)
) PARTITION BY LIST (space_id);

-- What is encoded of a review. Encoders of sentences read less still.
CREATE FUNCTION review_text(title text, body text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN left(CASE WHEN btrim(title, E' \t\r\n') = '' THEN btrim(body, E' \t\r\n')
                     WHEN btrim(body, E' \t\r\n') = '' THEN btrim(title, E' \t\r\n')
                     ELSE btrim(title, E' \t\r\n') || '. ' || btrim(body, E' \t\r\n') END, 4000);

CREATE FUNCTION review_hash(title text, body text) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
    RETURN sha256(convert_to(shelfmate.review_text(title, body), 'UTF8'));

-- How much a review counts in its product's block: (1 + ln(1 + votes)) * 2^(age / 2 years). Ages are counted from a fixed day:
-- as time passes all weights of a product fall alike, and its block, which has length 1, stays what it is. A review from the
-- future is as old as its row.
CREATE FUNCTION review_weight(helpful_votes integer, written_at timestamptz, created_at timestamptz) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (1 + ln(1 + helpful_votes::double precision))
           * 2 ^ (extract(epoch FROM greatest(least(coalesce(written_at, created_at), created_at, '2100-01-01 00:00:00+00'::timestamptz),
                                              '1940-01-01 00:00:00+00'::timestamptz) - '2020-01-01 00:00:00+00'::timestamptz)
                  / (2 * 365.25 * 86400))::double precision;

CREATE FUNCTION create_review_partition(space embedding_spaces) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE shelfmate.review_embeddings_%1$s (LIKE shelfmate.review_embeddings INCLUDING DEFAULTS,
                    CHECK (vector_dims(embedding) = %2$s))', space.id, space.reviews_dimensions);
    EXECUTE format('COMMENT ON TABLE shelfmate.review_embeddings_%s IS %L', space.id,
                   'The vectors of single reviews in the embedding space ' || space.name || '.');
    EXECUTE format('GRANT SELECT ON shelfmate.review_embeddings_%s TO analyst', space.id);
    EXECUTE format('ALTER TABLE shelfmate.review_embeddings ATTACH PARTITION shelfmate.review_embeddings_%1$s FOR VALUES IN (%1$s)',
                   space.id);
END $$;

DROP FUNCTION create_space(text, text, text, text[], integer, double precision, text, text, integer, double precision, text, text, text, text);

-- As in 0002, with reviews.
CREATE FUNCTION create_space(
    name text,
    text_encoder text, text_version text, text_inputs text[], text_dimensions integer, text_weight double precision,
    image_encoder text, image_version text, image_dimensions integer, image_weight double precision,
    recipe text DEFAULT NULL, kernel text DEFAULT 'cosine', text_projection text DEFAULT NULL, image_projection text DEFAULT NULL,
    reviews_encoder text DEFAULT NULL, reviews_version text DEFAULT NULL, reviews_dimensions integer DEFAULT 0,
    reviews_weight double precision DEFAULT 0, reviews_projection text DEFAULT NULL
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    space shelfmate.embedding_spaces;
    block record;
    checks text := '';
BEGIN
    INSERT INTO shelfmate.embedding_spaces AS s
           (name, text_encoder, text_version, text_inputs, text_dimensions, text_weight, text_projection,
            image_encoder, image_version, image_dimensions, image_weight, image_projection, recipe, kernel,
            reviews_encoder, reviews_version, reviews_dimensions, reviews_weight, reviews_projection)
    VALUES (create_space.name, create_space.text_encoder, create_space.text_version, create_space.text_inputs,
            create_space.text_dimensions, create_space.text_weight, create_space.text_projection,
            create_space.image_encoder, create_space.image_version, create_space.image_dimensions, create_space.image_weight,
            create_space.image_projection, create_space.recipe, create_space.kernel, create_space.reviews_encoder,
            create_space.reviews_version, create_space.reviews_dimensions, create_space.reviews_weight,
            create_space.reviews_projection)
    RETURNING s.* INTO space;
    FOR block IN SELECT * FROM (VALUES ('text', text_dimensions), ('image', image_dimensions), ('reviews', reviews_dimensions),
                                       ('fused', text_dimensions + image_dimensions + reviews_dimensions)) AS blocks (name, dimensions) LOOP
        checks := checks || CASE WHEN block.dimensions > 0
            THEN format(', CHECK (vector_dims(%I) = %s)', block.name, block.dimensions)
            ELSE format(', CHECK (%I IS NULL)', block.name) END;
    END LOOP;
    -- Attached, which readers and writers of the other partitions do not wait for, as they would for PARTITION OF.
    EXECUTE format('CREATE TABLE shelfmate.product_embeddings_%1$s (LIKE shelfmate.product_embeddings INCLUDING DEFAULTS, %2$s)',
                   space.id, substr(checks, 3));
    -- An exact scan reads fused alone: it stays in the row, its parts move out of the way.
    EXECUTE format('ALTER TABLE shelfmate.product_embeddings_%s ALTER COLUMN fused SET STORAGE MAIN', space.id);
    EXECUTE format('COMMENT ON TABLE shelfmate.product_embeddings_%s IS %L', space.id,
                   'The vectors of the embedding space ' || create_space.name || '.');
    EXECUTE format('GRANT SELECT ON shelfmate.product_embeddings_%s TO analyst', space.id);
    EXECUTE format('ALTER TABLE shelfmate.product_embeddings ATTACH PARTITION shelfmate.product_embeddings_%1$s FOR VALUES IN (%1$s)',
                   space.id);
    IF reviews_dimensions > 0 THEN
        PERFORM shelfmate.create_review_partition(space);
    END IF;
    IF NOT EXISTS (SELECT FROM shelfmate.embedding_spaces s WHERE s.state = 'active') THEN
        PERFORM shelfmate.answer_from(space.id);
    END IF;
    PERFORM pg_notify('shelfmate_jobs', '');
    RETURN space.id;
END $$;

-- Queues products whose reviews changed, for the spaces that have a block of them: a moment later, so that a burst of reviews is
-- one job, and behind what people wait for. A job that waits already keeps its time; one that is being worked on begins again, at
-- once where it is an edit's. A review is written by anybody: it does not clear a product of having killed workers.
CREATE FUNCTION queue_reviews(product_ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    debounce CONSTANT interval := '5 seconds';
    -- One loss below the most (workers/queue.py): a dead job is tried once more, alone.
    most_losses CONSTANT smallint := 6;
    is_due boolean;
BEGIN
    WITH queued AS (
        INSERT INTO shelfmate.embedding_jobs AS j (product_id, space_id, priority, available_at)
        SELECT p.id, s.id, 1, now() + debounce
          FROM shelfmate.products p CROSS JOIN shelfmate.embedding_spaces s
         WHERE p.id = ANY (product_ids) AND s.reviews_dimensions > 0 AND s.state <> 'retired'
         ORDER BY p.id, s.id
        ON CONFLICT (product_id, space_id) DO UPDATE
           SET state = 'queued', available_at = CASE WHEN j.state = 'leased' AND j.priority = 0 THEN now() ELSE excluded.available_at END,
               attempts = CASE j.state WHEN 'dead' THEN 0 ELSE j.attempts END, losses = least(j.losses, most_losses),
               lease_token = NULL, leased_until = NULL, worker = NULL, last_error = NULL
         WHERE j.state <> 'queued'
        RETURNING j.available_at
    )
    SELECT bool_or(q.available_at <= now()) INTO is_due FROM queued q;
    IF is_due THEN
        PERFORM pg_notify('shelfmate_jobs', '');
    END IF;
END $$;

CREATE FUNCTION queue_reviewed_products() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed bigint[];
BEGIN
    IF NOT EXISTS (SELECT FROM shelfmate.embedding_spaces s WHERE s.reviews_dimensions > 0) THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        changed := ARRAY(SELECT DISTINCT n.product_id FROM new_reviews n);
    ELSIF TG_OP = 'DELETE' THEN
        DELETE FROM shelfmate.review_embeddings e USING old_reviews o WHERE e.product_id = o.product_id AND e.review_id = o.id;
        changed := ARRAY(SELECT DISTINCT o.product_id FROM old_reviews o);
    ELSIF TG_OP = 'UPDATE' THEN
        changed := ARRAY(
            SELECT DISTINCT coalesce(n.product_id, o.product_id)
              FROM new_reviews n FULL JOIN old_reviews o ON n.product_id = o.product_id AND n.id = o.id
             WHERE (n.id, n.title, n.body, n.helpful_votes, n.written_at, n.created_at)
                   IS DISTINCT FROM (o.id, o.title, o.body, o.helpful_votes, o.written_at, o.created_at));
        -- One that went to another product.
        DELETE FROM shelfmate.review_embeddings e USING old_reviews o
         WHERE e.product_id = o.product_id AND e.review_id = o.id AND o.product_id = ANY (changed)
           AND NOT EXISTS (SELECT FROM new_reviews n WHERE n.product_id = o.product_id AND n.id = o.id);
    ELSE
        DELETE FROM shelfmate.review_embeddings;
        changed := ARRAY(SELECT e.product_id FROM shelfmate.product_embeddings e WHERE e.reviews IS NOT NULL
                          UNION SELECT j.product_id FROM shelfmate.embedding_jobs j WHERE j.state = 'leased');
    END IF;
    IF cardinality(changed) > 0 THEN
        PERFORM shelfmate.queue_reviews(changed);
    END IF;
    RETURN NULL;
END $$;
-- Behind the triggers that rate, by their names: products are locked before their jobs, as everywhere.
CREATE TRIGGER requeue_inserted AFTER INSERT ON reviews REFERENCING NEW TABLE AS new_reviews
    FOR EACH STATEMENT EXECUTE FUNCTION queue_reviewed_products();
CREATE TRIGGER requeue_edited AFTER UPDATE ON reviews REFERENCING OLD TABLE AS old_reviews NEW TABLE AS new_reviews
    FOR EACH STATEMENT EXECUTE FUNCTION queue_reviewed_products();
CREATE TRIGGER requeue_deleted AFTER DELETE ON reviews REFERENCING OLD TABLE AS old_reviews
    FOR EACH STATEMENT EXECUTE FUNCTION queue_reviewed_products();
CREATE TRIGGER requeue_truncated AFTER TRUNCATE ON reviews FOR EACH STATEMENT EXECUTE FUNCTION queue_reviewed_products();

COMMENT ON COLUMN embedding_spaces.reviews_encoder IS 'Text encoder of the reviews; null when the space has none.';
COMMENT ON COLUMN embedding_spaces.reviews_version IS 'Version of the reviews'' encoder and its weights.';
COMMENT ON COLUMN embedding_spaces.reviews_projection IS 'Method of the projection that follows the reviews'' encoder; null without one.';
COMMENT ON COLUMN space_models.modality IS 'text, image or reviews.';
COMMENT ON COLUMN product_embeddings.reviews IS
    'Unit vector of the sum of its reviews'' vectors, each times its review_weight; null without reviews, and when the space has no reviews.';
COMMENT ON TABLE review_embeddings IS 'What single reviews say, as unit vectors, in the spaces that have reviews. Partitioned by space; written by workers.';
COMMENT ON COLUMN review_embeddings.product_id IS 'reviews.product_id';
COMMENT ON COLUMN review_embeddings.review_id IS 'reviews.id';
COMMENT ON COLUMN review_embeddings.space_id IS 'embedding_spaces.id';
COMMENT ON COLUMN review_embeddings.embedding IS 'Unit vector of its title and body; null where they say nothing to the encoder.';
COMMENT ON COLUMN review_embeddings.text_hash IS 'review_hash of what was encoded: one of another text is encoded anew.';
COMMENT ON COLUMN review_embeddings.embedded_at IS 'When it was stored.';
COMMENT ON FUNCTION review_text(text, text) IS 'What is encoded of a review with this title and body: both, 4,000 characters at most.';
COMMENT ON FUNCTION review_hash(text, text) IS 'SHA-256 of what is encoded of a review.';
COMMENT ON FUNCTION review_weight(integer, timestamptz, timestamptz) IS
    'How much a review counts in its product''s block: by helpful votes, and half as much for every two years of age.';
COMMENT ON FUNCTION create_review_partition(embedding_spaces) IS 'Makes the partition of review_embeddings for a space.';
COMMENT ON FUNCTION queue_reviews(bigint[]) IS 'Queues products whose reviews changed, for the spaces that have reviews, to be embedded five seconds later.';
COMMENT ON FUNCTION queue_reviewed_products() IS 'Trigger: queues products whose reviews changed, and deletes the vectors of reviews that are gone.';
COMMENT ON FUNCTION create_space(text, text, text, text[], integer, double precision, text, text, integer, double precision, text, text, text, text, text, text, integer, double precision, text) IS
    'Creates an embedding space with its partition; what is inserted and edited from then on is queued for it. The first space becomes active.';
GRANT SELECT ON review_embeddings TO analyst;
