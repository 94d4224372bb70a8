-- The life of a space: made, filled, activated, rolled back, retired, resumed.
-- Errors beside those of 0001/catalogue.sql: SM009 the space is in another state than this needs.

DROP FUNCTION create_space(text, text, text, text[], integer, double precision, text, text, integer, double precision);

-- Only the row and the partition. The products that are there already are queued afterwards, by queue_fill.
CREATE FUNCTION create_space(
    name text,
    text_encoder text, text_version text, text_inputs text[], text_dimensions integer, text_weight double precision,
    image_encoder text, image_version text, image_dimensions integer, image_weight double precision,
    recipe text DEFAULT NULL, kernel text DEFAULT 'cosine', text_projection text DEFAULT NULL, image_projection text DEFAULT NULL
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    space shelfmate.embedding_spaces;
    block record;
    checks text := '';
BEGIN
    INSERT INTO shelfmate.embedding_spaces AS s
           (name, text_encoder, text_version, text_inputs, text_dimensions, text_weight, text_projection,
            image_encoder, image_version, image_dimensions, image_weight, image_projection, recipe, kernel)
    VALUES (create_space.name, create_space.text_encoder, create_space.text_version, create_space.text_inputs,
            create_space.text_dimensions, create_space.text_weight, create_space.text_projection,
            create_space.image_encoder, create_space.image_version, create_space.image_dimensions, create_space.image_weight,
            create_space.image_projection, create_space.recipe, create_space.kernel)
    RETURNING s.* INTO space;
    FOR block IN SELECT * FROM (VALUES ('text', text_dimensions), ('image', image_dimensions), ('reviews', 0),
                                       ('fused', text_dimensions + image_dimensions)) AS blocks (name, dimensions) LOOP
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
    IF NOT EXISTS (SELECT FROM shelfmate.embedding_spaces s WHERE s.state = 'active') THEN
        PERFORM shelfmate.answer_from(space.id);
    END IF;
    PERFORM pg_notify('shelfmate_jobs', '');
    RETURN space.id;
END $$;

-- Transactions that may write products and do not see the space: their edits are neither queued for it nor visible to its fill.
-- An id that they hold is older than the horizon, or else a snapshot is. Whoever may only read is not waited for.
CREATE FUNCTION fill_blockers(space_id integer) RETURNS TABLE (pid integer, login text, seconds double precision)
    LANGUAGE sql STABLE AS $$
    SELECT a.pid, a.usename::text, extract(epoch FROM clock_timestamp() - a.xact_start)::double precision
      FROM shelfmate.embedding_spaces s, pg_stat_activity a
     WHERE s.id = fill_blockers.space_id AND a.datname = current_database() AND a.pid <> pg_backend_pid()
       AND coalesce(a.backend_type, 'client backend') = 'client backend'
       -- To build an index edits nothing, and takes long.
       AND a.pid NOT IN (SELECT i.pid FROM pg_stat_progress_create_index i)
       AND greatest(age(a.backend_xid), age(a.backend_xmin)) > age(s.fill_horizon::text::xid8::xid)
       AND (has_table_privilege(a.usesysid, 'shelfmate.products', 'INSERT, UPDATE')
            OR has_table_privilege(a.usesysid, 'shelfmate.product_images', 'INSERT, UPDATE, DELETE'))
     UNION ALL
    SELECT NULL, format('prepared transaction %s', p.gid), extract(epoch FROM clock_timestamp() - p.prepared)::double precision
      FROM shelfmate.embedding_spaces s, pg_prepared_xacts p
     WHERE s.id = fill_blockers.space_id AND p.database = current_database() AND age(p.transaction) > age(s.fill_horizon::text::xid8::xid)
$$;

-- The next products in order of their ids, behind what people insert and edit. Called again until it returns 0.
-- Whoever edits one of them at the same moment goes first: sooner than a deadlock is looked for, this gives up.
CREATE FUNCTION queue_fill(space_id integer, most integer) RETURNS integer LANGUAGE plpgsql SET lock_timeout = '400ms' AS $$
DECLARE
    chunk bigint[];
BEGIN
    chunk := ARRAY(SELECT p.id FROM shelfmate.products p
                     JOIN shelfmate.embedding_spaces s ON s.id = queue_fill.space_id AND p.id > coalesce(s.fill_cursor, 0)
                    ORDER BY p.id LIMIT most);
    -- Locked first: one that is being deleted drops out, where the foreign key would fail. A lease or a dead job may be
    -- from before the space was retired, and of another text.
    INSERT INTO shelfmate.embedding_jobs AS j (product_id, space_id, priority)
    SELECT p.id, queue_fill.space_id, 1
      FROM (SELECT l.id FROM shelfmate.products l WHERE l.id = ANY (chunk) ORDER BY l.id FOR KEY SHARE) p
    ON CONFLICT ON CONSTRAINT embedding_jobs_pkey DO UPDATE
       SET state = 'queued', available_at = now(), queued_at = now(),
           attempts = 0, losses = 0, lease_token = NULL, leased_until = NULL, worker = NULL, last_error = NULL
     WHERE j.state <> 'queued';
    UPDATE shelfmate.embedding_spaces s SET fill_cursor = chunk[cardinality(chunk)]
     WHERE s.id = queue_fill.space_id AND cardinality(chunk) > 0;
    PERFORM pg_notify('shelfmate_jobs', '');
    RETURN cardinality(chunk);
END $$;

-- Products that one space could answer for and another could not. In a busy shop some are always about to be embedded in both:
-- those that were queued lately may be left out.
CREATE FUNCTION count_missing(space_id integer, other_id integer, lately interval DEFAULT '0') RETURNS bigint
    LANGUAGE sql STABLE AS $$
    SELECT count(*) FROM shelfmate.product_embeddings o
     WHERE o.space_id = other_id
       AND NOT EXISTS (SELECT FROM shelfmate.product_embeddings e
                        WHERE e.space_id = count_missing.space_id AND e.product_id = o.product_id)
       AND NOT EXISTS (SELECT FROM shelfmate.embedding_jobs j
                        WHERE j.space_id = count_missing.space_id AND j.product_id = o.product_id AND j.state <> 'dead'
                          AND j.attempts = 0 AND j.losses = 0 AND j.queued_at > now() - lately)
$$;

-- The space that answers from now on, with the view of its vectors.
CREATE FUNCTION answer_from(space_id integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    space shelfmate.embedding_spaces;
    block record;
    columns text := '';
BEGIN
    UPDATE shelfmate.embedding_spaces s SET state = CASE WHEN s.filled_at IS NULL THEN 'building' ELSE 'shadow' END
     WHERE s.state = 'active' AND s.id <> answer_from.space_id;
    UPDATE shelfmate.embedding_spaces s SET state = 'active', activated_at = now() WHERE s.id = answer_from.space_id
    RETURNING s.* INTO space;
    FOR block IN SELECT * FROM (VALUES ('text', space.text_dimensions), ('image', space.image_dimensions),
                                       ('reviews', space.reviews_dimensions), ('fused', space.fused_dimensions))
                               AS blocks (name, dimensions) LOOP
        columns := columns || CASE WHEN block.dimensions > 0
            THEN format(', e.%1$I::halfvec(%2$s) AS %1$I', block.name, block.dimensions)
            ELSE format(', NULL::halfvec AS %I', block.name) END;
    END LOOP;
    DROP VIEW IF EXISTS shelfmate.active_embeddings;
    EXECUTE format(
        'CREATE VIEW shelfmate.active_embeddings AS SELECT e.product_id, p.sku%s
           FROM shelfmate.product_embeddings_%s e JOIN shelfmate.products p ON p.id = e.product_id', columns, space.id);
    EXECUTE 'GRANT SELECT ON shelfmate.active_embeddings TO analyst';
    PERFORM shelfmate.comment_active_embeddings();
END $$;

-- What may not be activated, and why; the rest is one exchange of two states and a view.
CREATE FUNCTION check_activation(space embedding_spaces, force boolean, lately interval) RETURNS void LANGUAGE plpgsql STABLE AS $$
DECLARE
    missing bigint;
BEGIN
    IF space.state = 'retired' THEN
        RAISE EXCEPTION 'the embedding space % is retired: resume it, which fills it again, and activate it then', space.name
            USING ERRCODE = 'SM009', COLUMN = 'space';
    ELSIF force THEN
        RETURN;
    ELSIF space.state = 'building' THEN
        RAISE EXCEPTION 'the embedding space % is still being filled: wait for it, or activate it by force and answer from what it has',
            space.name USING ERRCODE = 'SM009', COLUMN = 'space';
    END IF;
    SELECT shelfmate.count_missing(space.id, s.id, lately) INTO missing FROM shelfmate.embedding_spaces s
     WHERE s.state = 'active' AND s.id <> space.id;
    IF missing > 0 THEN
        RAISE EXCEPTION 'the embedding space % lacks % that the active one has: wait for a worker, see why its jobs are dead and retry them, or activate it by force',
            space.name, CASE missing WHEN 1 THEN '1 product' ELSE format('%s products', missing) END
            USING ERRCODE = 'SM009', COLUMN = 'space';
    END IF;
END $$;

DROP FUNCTION activate_space(text);

CREATE FUNCTION activate_space(name text, force boolean DEFAULT false, lately interval DEFAULT '0') RETURNS void
    LANGUAGE plpgsql SET lock_timeout = '300ms' AS $$
DECLARE
    space shelfmate.embedding_spaces := shelfmate.find_space(coalesce(activate_space.name, ''));
    active_id integer;
BEGIN
    -- Before the lock, since it reads every product; what is inserted meanwhile is queued for both spaces.
    PERFORM shelfmate.check_activation(space, force, lately);
    LOCK TABLE shelfmate.embedding_spaces IN SHARE ROW EXCLUSIVE MODE;
    space := shelfmate.find_space(activate_space.name);
    IF space.state = 'retired' OR (space.state = 'building' AND NOT force) THEN
        PERFORM shelfmate.check_activation(space, force, lately);
    ELSIF space.state = 'active' THEN
        RETURN;
    END IF;
    SELECT s.id INTO active_id FROM shelfmate.embedding_spaces s WHERE s.state = 'active';
    PERFORM shelfmate.answer_from(space.id);
    UPDATE shelfmate.embedding_spaces s SET previous_id = active_id WHERE s.id = space.id;
END $$;

-- Back to the space that was active before; what that one goes back to stays as it was.
CREATE FUNCTION rollback_space(force boolean DEFAULT false, lately interval DEFAULT '0') RETURNS text
    LANGUAGE plpgsql SET lock_timeout = '300ms' AS $$
DECLARE
    current shelfmate.embedding_spaces;
    space shelfmate.embedding_spaces;
BEGIN
    FOR attempt IN 1..2 LOOP
        current := shelfmate.find_space(NULL);
        SELECT * INTO space FROM shelfmate.embedding_spaces s WHERE s.id = current.previous_id;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is no embedding space to go back to: none was active before %', current.name
                USING ERRCODE = 'SM009', COLUMN = 'space';
        END IF;
        IF attempt = 1 THEN
            PERFORM shelfmate.check_activation(space, force, lately);
            LOCK TABLE shelfmate.embedding_spaces IN SHARE ROW EXCLUSIVE MODE;
        ELSIF space.state = 'retired' OR (space.state = 'building' AND NOT force) THEN
            PERFORM shelfmate.check_activation(space, force, lately);
        END IF;
    END LOOP;
    PERFORM shelfmate.answer_from(space.id);
    RETURN space.name;
END $$;

CREATE FUNCTION retire_space(name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    space shelfmate.embedding_spaces;
BEGIN
    LOCK TABLE shelfmate.embedding_spaces IN SHARE ROW EXCLUSIVE MODE;
    space := shelfmate.find_space(coalesce(retire_space.name, ''));
    IF space.state = 'active' THEN
        RAISE EXCEPTION 'the embedding space % is active: activate another one first', space.name
            USING ERRCODE = 'SM009', COLUMN = 'space';
    END IF;
    UPDATE shelfmate.embedding_spaces s
       SET state = 'retired', filled_at = NULL, fill_horizon = NULL, fill_cursor = NULL, fill_queued_at = NULL
     WHERE s.id = space.id;
END $$;

CREATE FUNCTION resume_space(name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    space shelfmate.embedding_spaces;
BEGIN
    LOCK TABLE shelfmate.embedding_spaces IN SHARE ROW EXCLUSIVE MODE;
    space := shelfmate.find_space(coalesce(resume_space.name, ''));
    IF space.state <> 'retired' THEN
        RAISE EXCEPTION 'the embedding space % is not retired: it is %', space.name, space.state
            USING ERRCODE = 'SM009', COLUMN = 'space';
    END IF;
    UPDATE shelfmate.embedding_spaces s SET state = 'building' WHERE s.id = space.id;
    PERFORM pg_notify('shelfmate_jobs', '');
END $$;

COMMENT ON FUNCTION create_space(text, text, text, text[], integer, double precision, text, text, integer, double precision, text, text, text, text) IS
    'Creates an embedding space with its partition; what is inserted and edited from then on is queued for it. The first space becomes active.';
COMMENT ON FUNCTION fill_blockers(integer) IS
    'The transactions that may edit products without knowing a space, which its fill waits for: process, login and age in seconds.';
COMMENT ON FUNCTION queue_fill(integer, integer) IS
    'Queues the next products for a space that is being filled; returns how many it went through. Only once fill_blockers has none left.';
COMMENT ON FUNCTION count_missing(integer, integer, interval) IS
    'How many products the second space has vectors of and the first has not, but for those that were queued for it lately.';
COMMENT ON FUNCTION answer_from(integer) IS 'Makes a space the active one, unchecked: activate_space checks.';
COMMENT ON FUNCTION check_activation(embedding_spaces, boolean, interval) IS
    'Refuses to activate a space that is not filled or lacks products that the active one has; by force only one that is retired.';
COMMENT ON FUNCTION activate_space(text, boolean, interval) IS
    'Makes a space the one that answers queries, in one short transaction. By force also one that is not filled; products that were queued for it lately may be missing.';
COMMENT ON FUNCTION rollback_space(boolean, interval) IS 'Makes the space active that was so before the present one; returns its name.';
COMMENT ON FUNCTION retire_space(text) IS 'Ends the upkeep of a space: its vectors stay as they are.';
COMMENT ON FUNCTION resume_space(text) IS 'Fills a retired space again; what has not changed meanwhile is not encoded anew.';
