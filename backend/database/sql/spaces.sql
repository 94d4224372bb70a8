-- Embedding spaces and their indexes.

-- list: every space, with how much of it is filled
SELECT s.id, s.name, s.state, s.text_encoder, s.text_version, s.text_fields, s.text_dimensions, s.text_weight,
       s.image_encoder, s.image_version, s.image_dimensions, s.image_weight, s.reviews_dimensions, s.reviews_weight
  FROM shelfmate.embedding_spaces s ORDER BY s.id;

-- size: how many products of a space are embedded, and how many jobs are left
SELECT (SELECT count(*) FROM shelfmate.product_embeddings e WHERE e.space_id = %(space_id)s) AS embedded,
       (SELECT count(*) FROM shelfmate.embedding_jobs j WHERE j.space_id = %(space_id)s AND j.state <> 'dead') AS waiting;

-- fill: the same for people, with what came in the last minute and what died
SELECT e.embedded, e.last_minute, j.waiting, j.dead, shelfmate.is_indexed(%(space_id)s) AS indexed
  FROM (SELECT count(*) AS embedded, count(*) FILTER (WHERE embedded_at > now() - interval '1 minute') AS last_minute
          FROM shelfmate.product_embeddings WHERE space_id = %(space_id)s) e,
       (SELECT count(*) FILTER (WHERE state <> 'dead') AS waiting, count(*) FILTER (WHERE state = 'dead') AS dead
          FROM shelfmate.embedding_jobs WHERE space_id = %(space_id)s) j;

-- create: a space with its partition, filled from then on
SELECT shelfmate.create_space(%(name)s, %(text_encoder)s, %(text_version)s, %(text_fields)s, %(text_dimensions)s,
    %(text_weight)s, %(image_encoder)s, %(image_version)s, %(image_dimensions)s, %(image_weight)s);

-- serialise_creation: two processes that start on a fresh database make one default space between them
SELECT pg_advisory_xact_lock(hashtext('shelfmate.create_space'));

-- indexes: the HNSW indexes of a space by name, and whether each is whole
SELECT c.relname, i.indisvalid
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
 WHERE i.indrelid = format('shelfmate.product_embeddings_%%s', %(space_id)s::integer)::regclass
   AND c.relname LIKE '%%\_hnsw';

-- lock_indexing: one process at a time builds the indexes of a space
SELECT pg_try_advisory_lock(hashtext('shelfmate.indexing'), %(space_id)s::integer);

-- lock_indexing_in_transaction: the same lock, until the transaction ends
SELECT pg_try_advisory_xact_lock(hashtext('shelfmate.indexing'), %(space_id)s::integer);

-- hurry: give up rather than make others wait
SET LOCAL lock_timeout = '500ms';

-- build_settings: a graph that fits in memory is built ten times faster; a build ends with the process that wants it
SELECT set_config('maintenance_work_mem', '1GB', false), set_config('max_parallel_maintenance_workers', '2', false),
       set_config('client_connection_check_interval', '1s', false);
