-- The embedding queue. workers/queue.py claims and ends jobs; backend/spaces/jobs.py shows and retries them.

-- claim: lease the next jobs, interactive ones before backfills, oldest first
WITH next AS MATERIALIZED (
    SELECT j.product_id, j.space_id
      FROM shelfmate.embedding_jobs j
     WHERE j.state = 'queued' AND j.losses < 2 AND j.available_at <= now()
     ORDER BY j.priority, j.available_at, j.product_id
     LIMIT %(limit)s
       FOR UPDATE SKIP LOCKED
), token AS MATERIALIZED (
    SELECT nextval('shelfmate.embedding_lease_token') AS value WHERE EXISTS (SELECT FROM next)
)
UPDATE shelfmate.embedding_jobs j
   SET state = 'leased', lease_token = token.value, worker = %(worker)s,
       leased_until = now() + %(lease)s
  FROM next, token
 WHERE j.product_id = next.product_id AND j.space_id = next.space_id
RETURNING j.product_id, j.space_id, j.lease_token, j.attempts;

-- claim_suspect: lease one job whose workers died, alone, so that it can take no other down with it
WITH next AS MATERIALIZED (
    SELECT j.product_id, j.space_id
      FROM shelfmate.embedding_jobs j
     WHERE j.state = 'queued' AND j.losses >= 2 AND j.available_at <= now()
     ORDER BY j.available_at
     LIMIT 1
       FOR UPDATE SKIP LOCKED
)
UPDATE shelfmate.embedding_jobs j
   SET state = 'leased', lease_token = nextval('shelfmate.embedding_lease_token'), worker = %(worker)s,
       leased_until = now() + %(lease)s
  FROM next
 WHERE j.product_id = next.product_id AND j.space_id = next.space_id
RETURNING j.product_id, j.space_id, j.lease_token, j.attempts;

-- extend: heartbeat of the leases that a worker still holds; a row that is locked waits for the next beat
UPDATE shelfmate.embedding_jobs j
   SET leased_until = now() + %(lease)s
  FROM (SELECT product_id, space_id FROM shelfmate.embedding_jobs
         WHERE state = 'leased' AND lease_token = ANY (%(tokens)s) FOR UPDATE SKIP LOCKED) held
 WHERE j.product_id = held.product_id AND j.space_id = held.space_id;

-- expire: take back the jobs of workers that died; one that killed too many of them is dead
UPDATE shelfmate.embedding_jobs j
   SET state = CASE WHEN j.losses + 1 >= %(most)s THEN 'dead' ELSE 'queued' END,
       losses = j.losses + 1, lease_token = NULL, leased_until = NULL, available_at = now(),
       last_error = format('the worker %%s died or stopped answering while it held this job', j.worker)
  FROM (SELECT product_id, space_id FROM shelfmate.embedding_jobs
         WHERE state = 'leased' AND leased_until < now() FOR UPDATE SKIP LOCKED) lost
 WHERE j.product_id = lost.product_id AND j.space_id = lost.space_id;

-- load_inputs: what the claimed products are embedded from, and what is stored of them already
SELECT j.product_id, j.space_id, p.title, p.description, p.brand, i.sha256,
       CASE WHEN i.sha256 IS DISTINCT FROM e.image_hash THEN i.content END AS content,
       e.text_hash, e.image_hash, e.text, e.image
  FROM unnest(%(product_ids)s::bigint[], %(space_ids)s::integer[]) AS j (product_id, space_id)
  JOIN shelfmate.products p ON p.id = j.product_id
  LEFT JOIN shelfmate.product_embeddings e ON e.product_id = j.product_id AND e.space_id = j.space_id
  LEFT JOIN LATERAL (SELECT pi.sha256, pi.content FROM shelfmate.product_images pi
                      WHERE pi.product_id = j.product_id ORDER BY pi.position LIMIT 1) i ON true;

-- store: keep the vectors of the leases still held and end their jobs; the rest were edited, deleted or taken back
WITH input AS MATERIALIZED (
    SELECT * FROM unnest(
        %(product_ids)b::bigint[], %(tokens)b::bigint[], %(texts)b::halfvec[], %(images)b::halfvec[], %(fused)b::halfvec[],
        %(text_hashes)b::bytea[], %(image_hashes)b::bytea[]
    ) AS i (product_id, lease_token, text, image, fused, text_hash, image_hash)
), alive AS MATERIALIZED (
    -- Products first, as a DELETE locks them first; nothing here waits for a lock, so nothing can deadlock.
    SELECT p.id FROM shelfmate.products p WHERE p.id IN (SELECT product_id FROM input) FOR KEY SHARE SKIP LOCKED
), held AS MATERIALIZED (
    SELECT j.product_id
      FROM shelfmate.embedding_jobs j JOIN input i USING (product_id) JOIN alive a ON a.id = j.product_id
     WHERE j.space_id = %(space_id)s AND j.state = 'leased' AND j.lease_token = i.lease_token
       FOR UPDATE OF j SKIP LOCKED
), stored AS (
    INSERT INTO shelfmate.product_embeddings AS e
           (product_id, space_id, text, image, fused, text_hash, image_hash)
    SELECT i.product_id, %(space_id)s, i.text, i.image, i.fused, i.text_hash, i.image_hash
      FROM input i JOIN held USING (product_id)
     WHERE i.fused IS NOT NULL
    ON CONFLICT (product_id, space_id) DO UPDATE
       SET text = excluded.text, image = excluded.image, fused = excluded.fused,
           text_hash = excluded.text_hash, image_hash = excluded.image_hash, embedded_at = now()
)
DELETE FROM shelfmate.embedding_jobs j USING held
 WHERE j.product_id = held.product_id AND j.space_id = %(space_id)s
RETURNING j.product_id;

-- fail: note the error of one attempt; try again later, or never. A row that is locked is being edited, or deleted
UPDATE shelfmate.embedding_jobs j
   SET state = CASE WHEN %(dead)s THEN 'dead' ELSE 'queued' END, attempts = j.attempts + 1, last_error = %(error)s,
       lease_token = NULL, leased_until = NULL, available_at = now() + %(delay)s
  FROM (SELECT product_id, space_id FROM shelfmate.embedding_jobs
         WHERE product_id = %(product_id)s AND space_id = %(space_id)s AND state = 'leased' AND lease_token = %(token)s
           FOR UPDATE SKIP LOCKED) held
 WHERE j.product_id = held.product_id AND j.space_id = held.space_id;

-- release: hand back what was claimed and will not be encoded; a row that is locked comes back when its lease ends
UPDATE shelfmate.embedding_jobs j
   SET state = 'queued', lease_token = NULL, leased_until = NULL, worker = NULL
  FROM (SELECT product_id, space_id FROM shelfmate.embedding_jobs
         WHERE state = 'leased' AND lease_token = ANY (%(tokens)s) FOR UPDATE SKIP LOCKED) held
 WHERE j.product_id = held.product_id AND j.space_id = held.space_id;

-- count: how many jobs are in each state, and how long the oldest has waited
SELECT count(*) FILTER (WHERE state = 'queued') AS queued, count(*) FILTER (WHERE state = 'leased') AS leased,
       count(*) FILTER (WHERE state = 'dead') AS dead,
       coalesce(extract(epoch FROM now() - min(queued_at) FILTER (WHERE state <> 'dead')), 0)::double precision AS oldest
  FROM shelfmate.embedding_jobs;

-- list: jobs with their products, the dead first
SELECT p.sku, s.name AS space, j.state, j.priority, j.attempts, j.losses, j.queued_at, j.available_at, j.worker,
       j.leased_until, j.last_error
  FROM shelfmate.embedding_jobs j
  JOIN shelfmate.products p ON p.id = j.product_id
  JOIN shelfmate.embedding_spaces s ON s.id = j.space_id
 WHERE (%(state)s::text IS NULL OR j.state = %(state)s) AND (%(sku)s::text IS NULL OR p.sku = %(sku)s)
 ORDER BY j.state = 'dead' DESC, j.priority, j.queued_at, j.product_id
 LIMIT %(limit)s;

-- retry: queue dead jobs again, all or those of one product
WITH revived AS (
    UPDATE shelfmate.embedding_jobs j
       SET state = 'queued', attempts = 0, losses = 0, available_at = now()
      FROM shelfmate.products p
     WHERE p.id = j.product_id AND j.state = 'dead' AND (%(sku)s::text IS NULL OR p.sku = %(sku)s)
    RETURNING j.product_id
)
SELECT count(*), pg_notify('shelfmate_jobs', '') FROM revived;
