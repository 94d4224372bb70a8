-- Embedding spaces and their indexes.

-- list: every space, with how much of it is filled
SELECT s.id, s.name, s.state, s.text_encoder, s.text_version, s.text_inputs, s.text_dimensions, s.text_weight,
       s.image_encoder, s.image_version, s.image_dimensions, s.image_weight, s.reviews_dimensions, s.reviews_weight,
       s.recipe, s.kernel, s.text_projection, s.image_projection, s.reviews_encoder, s.reviews_version, s.reviews_projection, s.previous_id, s.created_at, s.activated_at, s.filled_at
  FROM shelfmate.embedding_spaces s ORDER BY s.id;

-- size: how many products of a space are embedded, and how many jobs are left
SELECT (SELECT count(*) FROM shelfmate.product_embeddings e WHERE e.space_id = %(space_id)s) AS embedded,
       (SELECT count(*) FROM shelfmate.embedding_jobs j WHERE j.space_id = %(space_id)s AND j.state <> 'dead') AS waiting;

-- fill: the same for people, with what came in the last minute and what died
SELECT p.products, e.embedded, e.last_minute, j.waiting, j.dead, shelfmate.is_indexed(%(space_id)s) AS indexed
  FROM (SELECT count(*) AS products FROM shelfmate.products) p,
       (SELECT count(*) AS embedded, count(*) FILTER (WHERE embedded_at > now() - interval '1 minute') AS last_minute
          FROM shelfmate.product_embeddings WHERE space_id = %(space_id)s) e,
       (SELECT count(*) FILTER (WHERE state <> 'dead') AS waiting, count(*) FILTER (WHERE state = 'dead') AS dead
          FROM shelfmate.embedding_jobs WHERE space_id = %(space_id)s) j;

-- create: a space with its partition, kept up from then on
SELECT shelfmate.create_space(%(name)s, %(text_encoder)s, %(text_version)s, %(text_inputs)s, %(text_dimensions)s,
    %(text_weight)s, %(image_encoder)s, %(image_version)s, %(image_dimensions)s, %(image_weight)s,
    %(recipe)s, %(kernel)s, %(text_projection)s, %(image_projection)s,
    %(reviews_encoder)s, %(reviews_version)s, %(reviews_dimensions)s, %(reviews_weight)s, %(reviews_projection)s);

-- store_model: what was fitted for a space
INSERT INTO shelfmate.space_models
       (space_id, modality, part, method, content, input_dimensions, output_dimensions, report)
VALUES (%(space_id)s, %(modality)s, %(part)s, %(method)s, %(content)s, %(input_dimensions)s, %(output_dimensions)s, %(report)s);

-- load_models: what was fitted for a space, with its content
SELECT modality, part, method, content, input_dimensions, output_dimensions, report
  FROM shelfmate.space_models WHERE space_id = %(space_id)s ORDER BY modality DESC, part;

-- list_models: what was fitted for a space, for people
SELECT modality, part, method, input_dimensions, output_dimensions, octet_length(content) AS bytes, report
  FROM shelfmate.space_models WHERE space_id = %(space_id)s ORDER BY modality DESC, part;

-- serialise_creation: two processes that start on a fresh database make one default space between them
SELECT pg_advisory_xact_lock(hashtext('shelfmate.create_space'));

-- indexes: the HNSW indexes of a space by name, that of its reviews among them, and whether each is whole
SELECT c.relname, i.indisvalid
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
 WHERE i.indrelid IN (to_regclass(format('shelfmate.product_embeddings_%%s', %(space_id)s::integer)),
                      to_regclass(format('shelfmate.review_embeddings_%%s', %(space_id)s::integer)))
   AND c.relname LIKE '%%\_hnsw';

-- has_many_reviews: whether so many reviews have vectors; counted no further
SELECT count(*) >= %(fewest)s
  FROM (SELECT FROM shelfmate.review_embeddings e WHERE e.space_id = %(space_id)s AND e.embedding IS NOT NULL LIMIT %(fewest)s) e;

-- lock_indexing: one process at a time builds the indexes of a space
SELECT pg_try_advisory_lock(hashtext('shelfmate.indexing'), %(space_id)s::integer);

-- lock_indexing_in_transaction: the same lock, until the transaction ends
SELECT pg_try_advisory_xact_lock(hashtext('shelfmate.indexing'), %(space_id)s::integer);

-- hurry: give up rather than make others wait
SET LOCAL lock_timeout = '500ms';

-- build_settings: a graph that fits in memory is built ten times faster; a build ends with the process that wants it
SELECT set_config('maintenance_work_mem', '1GB', false), set_config('max_parallel_maintenance_workers', '2', false),
       set_config('client_connection_check_interval', '1s', false);

-- lock_fill: one process at a time goes on with the fill of a space
SELECT pg_try_advisory_xact_lock(hashtext('shelfmate.fill'), %(space_id)s::integer);

-- fill_state: how far the fill of a space is, locked; no row once it is filled or retired
SELECT s.fill_horizon IS NOT NULL AS begun, s.fill_queued_at IS NOT NULL AS queued
  FROM shelfmate.embedding_spaces s WHERE s.id = %(space_id)s AND s.filled_at IS NULL AND s.state <> 'retired';

-- begin_fill: transactions before this one may not have seen the space; this one's own id is above all of theirs
UPDATE shelfmate.embedding_spaces s SET fill_horizon = pg_current_xact_id()::text::bigint
 WHERE s.id = %(space_id)s AND s.fill_horizon IS NULL AND s.filled_at IS NULL AND s.state <> 'retired';

-- reset_horizon: a database that was restored elsewhere counts its transactions anew
UPDATE shelfmate.embedding_spaces s SET fill_horizon = pg_current_xact_id()::text::bigint
 WHERE s.id = %(space_id)s AND s.fill_horizon > pg_snapshot_xmax(pg_current_snapshot())::text::bigint;

-- fill_blockers: the transactions that the fill of a space waits for
SELECT pid, login, seconds FROM shelfmate.fill_blockers(%(space_id)s) ORDER BY seconds DESC NULLS LAST;

-- waiting_of_space: how many jobs of a space wait, counted no further than is asked
SELECT count(*) FROM (SELECT FROM shelfmate.embedding_jobs j WHERE j.space_id = %(space_id)s AND j.state <> 'dead' LIMIT %(most)s) j;

-- queue_fill: the next products for a space that is being filled; how many there were
SELECT shelfmate.queue_fill(%(space_id)s, %(most)s);

-- end_queueing: the last product is queued
UPDATE shelfmate.embedding_spaces s SET fill_queued_at = clock_timestamp()
 WHERE s.id = %(space_id)s AND s.filled_at IS NULL AND s.state <> 'retired';

-- is_embedding: whether something of the fill waits still; what was edited since is no part of it
SELECT EXISTS (SELECT FROM shelfmate.embedding_jobs j JOIN shelfmate.embedding_spaces s ON s.id = j.space_id
                WHERE j.space_id = %(space_id)s AND j.state <> 'dead' AND j.queued_at <= s.fill_queued_at);

-- queue_forgotten: what has neither vectors nor a job, which nothing explains but a row deleted by hand
WITH forgotten AS (
    -- Locked first: one that is being deleted drops out, where the foreign key would fail.
    INSERT INTO shelfmate.embedding_jobs (product_id, space_id, priority)
    SELECT f.id, %(space_id)s, 1
      FROM (SELECT p.id FROM shelfmate.products p
             WHERE NOT EXISTS (SELECT FROM shelfmate.product_embeddings e WHERE e.space_id = %(space_id)s AND e.product_id = p.id)
               AND NOT EXISTS (SELECT FROM shelfmate.embedding_jobs j WHERE j.space_id = %(space_id)s AND j.product_id = p.id)
             ORDER BY p.id FOR KEY SHARE OF p) f
    ON CONFLICT DO NOTHING
    RETURNING product_id
)
SELECT count(*) FROM forgotten;

-- end_fill: the space may be activated from now on
UPDATE shelfmate.embedding_spaces s SET filled_at = now(), state = CASE s.state WHEN 'building' THEN 'shadow' ELSE s.state END
 WHERE s.id = %(space_id)s AND s.filled_at IS NULL AND s.state <> 'retired'
RETURNING s.state;

-- unfilled: the spaces that are being filled
SELECT s.id FROM shelfmate.embedding_spaces s WHERE s.filled_at IS NULL AND s.state <> 'retired' ORDER BY s.state = 'active' DESC, s.id;

-- activate: make a space the active one
SELECT shelfmate.activate_space(%(name)s, %(force)s, make_interval(secs => %(lately)s));

-- roll_back: make the space active that was so before; its name
SELECT shelfmate.rollback_space(%(force)s, make_interval(secs => %(lately)s));

-- retire: end the upkeep of a space
SELECT shelfmate.retire_space(%(name)s);

-- resume: fill a retired space again
SELECT shelfmate.resume_space(%(name)s);

-- clear_jobs: jobs of a space that is retired; those that somebody holds come with the next call
DELETE FROM shelfmate.embedding_jobs j
 USING (SELECT q.product_id, q.space_id FROM shelfmate.embedding_jobs q JOIN shelfmate.embedding_spaces s ON s.id = q.space_id
         WHERE q.space_id = %(space_id)s AND s.state = 'retired' LIMIT %(most)s FOR UPDATE OF q SKIP LOCKED) gone
 WHERE j.product_id = gone.product_id AND j.space_id = gone.space_id;

-- view_holders: who reads the view of the active space right now, which an activation makes anew
SELECT a.pid, a.usename::text AS login, a.state, extract(epoch FROM clock_timestamp() - a.xact_start)::double precision AS seconds
  FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.relation = to_regclass('shelfmate.active_embeddings') AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.granted AND a.pid <> pg_backend_pid()
 ORDER BY seconds DESC NULLS LAST LIMIT 1;

-- product_writers: a transaction that has products open for writing, which the making of a partition waits for
SELECT a.pid, a.usename::text AS login, a.state, extract(epoch FROM clock_timestamp() - a.xact_start)::double precision AS seconds
  FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.relation IN ('shelfmate.products'::regclass, 'shelfmate.embedding_spaces'::regclass, 'shelfmate.product_embeddings'::regclass)
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.granted AND a.pid <> pg_backend_pid()
 ORDER BY seconds DESC NULLS LAST LIMIT 1;

-- partition: whether the table of a space is there, is a partition still, and was left half detached
SELECT c.relispartition, coalesce(i.inhdetachpending, false)
  FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
 WHERE c.oid = to_regclass(format('shelfmate.%%I', %(table)s || '_' || %(space_id)s::integer));

-- delete: the row of a space whose table is gone, with what hangs on it
DELETE FROM shelfmate.embedding_spaces s WHERE s.id = %(space_id)s AND s.state = 'retired';

-- hurry_much: give up sooner still, since those who come behind wait too
SET LOCAL lock_timeout = '200ms';

-- catching_up: how many products wait to be embedded in a filled space, or in the one to go back to; counted no further than is asked, no row for a space that is not kept up
SELECT (SELECT count(*) FROM (SELECT FROM shelfmate.embedding_jobs j WHERE j.space_id = s.id AND j.state <> 'dead' LIMIT %(most)s) waiting)
  FROM shelfmate.embedding_spaces s
 WHERE s.state = 'shadow'
   AND (s.name = %(name)s OR (%(name)s::text IS NULL AND s.id = (SELECT a.previous_id FROM shelfmate.embedding_spaces a WHERE a.state = 'active')));

-- patience: a statement outside of a transaction waits so long for others, who do not wait for it
SET lock_timeout = '5s';

-- lock_plans: one process at a time makes the spaces that were asked for
SELECT pg_try_advisory_lock(hashtext('shelfmate.plans'));

-- take_plan: the space that was asked for first; one that is being fitted was left over by a process that died
UPDATE shelfmate.space_plans p SET state = 'fitting', started_at = now(), progress = NULL
 WHERE p.name = (SELECT q.name FROM shelfmate.space_plans q WHERE q.state <> 'failed' ORDER BY q.requested_at, q.name LIMIT 1)
RETURNING p.name, p.plan;

-- note_plan: what is being done for a space that was asked for
UPDATE shelfmate.space_plans SET progress = %(progress)s WHERE name = %(name)s;

-- put_plan_back: its process has to end; the next one takes it up
UPDATE shelfmate.space_plans SET state = 'waiting', progress = NULL WHERE name = %(name)s AND state = 'fitting';

-- fail_plan: why a space that was asked for cannot be made
UPDATE shelfmate.space_plans SET state = 'failed', progress = NULL, error = %(error)s WHERE name = %(name)s;

-- end_plan: the space exists
DELETE FROM shelfmate.space_plans WHERE name = %(name)s;

-- index_progress: the HNSW indexes of a space, whether each is whole, its bytes, and how far a build is
SELECT c.relname, i.indisvalid, pg_relation_size(c.oid), b.phase,
       CASE WHEN b.blocks_total > 0 THEN b.blocks_done / b.blocks_total::double precision END
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
  LEFT JOIN pg_stat_progress_create_index b ON b.index_relid = c.oid
 WHERE i.indrelid IN (to_regclass(format('shelfmate.product_embeddings_%%s', %(space_id)s::integer)),
                      to_regclass(format('shelfmate.review_embeddings_%%s', %(space_id)s::integer)))
   AND c.relname LIKE '%%\_hnsw';

-- bytes: what a space takes on disk
SELECT coalesce(pg_total_relation_size(to_regclass(format('shelfmate.product_embeddings_%%s', %(space_id)s::integer))), 0)
     + coalesce(pg_total_relation_size(to_regclass(format('shelfmate.review_embeddings_%%s', %(space_id)s::integer))), 0);

-- reviews: how many reviews of a space have been encoded, of how many there are
SELECT (SELECT count(*) FROM shelfmate.review_embeddings e WHERE e.space_id = %(space_id)s), (SELECT count(*) FROM shelfmate.reviews);
