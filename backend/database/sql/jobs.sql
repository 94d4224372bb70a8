-- The embedding queue. workers/queue.py claims and ends jobs; backend/spaces/jobs.py shows and retries them.

-- claim_interactive: lease the next jobs that somebody waits for, of any space, oldest first
WITH next AS MATERIALIZED (
    SELECT j.product_id, j.space_id
      FROM shelfmate.embedding_jobs j
     WHERE j.state = 'queued' AND j.losses < 2 AND j.priority = 0 AND j.available_at <= now()
       AND j.space_id <> ALL (%(aside)s::integer[])
     ORDER BY j.available_at, j.product_id
     LIMIT %(limit)s
       FOR UPDATE SKIP LOCKED
), token AS MATERIALIZED (
    -- One a space, which is stored as soon as it is encoded.
    SELECT s.space_id, nextval('shelfmate.embedding_lease_token') AS value FROM (SELECT DISTINCT space_id FROM next) s
)
UPDATE shelfmate.embedding_jobs j
   SET state = 'leased', lease_token = token.value, worker = %(worker)s, leased_until = now() + %(lease)s
  FROM next JOIN token USING (space_id)
 WHERE j.product_id = next.product_id AND j.space_id = next.space_id
RETURNING j.product_id, j.space_id, j.lease_token, j.attempts, j.priority;

-- claim_backfill: lease the next jobs of one space's backfill, oldest first
WITH next AS MATERIALIZED (
    SELECT j.product_id, j.space_id
      FROM shelfmate.embedding_jobs j
     WHERE j.state = 'queued' AND j.losses < 2 AND j.priority > 0 AND j.available_at <= now() AND j.space_id = %(space_id)s
     ORDER BY j.available_at, j.product_id
     LIMIT %(limit)s
       FOR UPDATE SKIP LOCKED
), token AS MATERIALIZED (
    -- One a space, which is stored as soon as it is encoded.
    SELECT s.space_id, nextval('shelfmate.embedding_lease_token') AS value FROM (SELECT DISTINCT space_id FROM next) s
)
UPDATE shelfmate.embedding_jobs j
   SET state = 'leased', lease_token = token.value, worker = %(worker)s, leased_until = now() + %(lease)s
  FROM next JOIN token USING (space_id)
 WHERE j.product_id = next.product_id AND j.space_id = next.space_id
RETURNING j.product_id, j.space_id, j.lease_token, j.attempts, j.priority;

-- claim_suspects: lease jobs whose workers died as often as that of the first one; the oftener, the fewer at once, so that most of them are cleared soon and the one at fault ends up alone
WITH first AS MATERIALIZED (
    SELECT j.losses
      FROM shelfmate.embedding_jobs j
     WHERE j.state = 'queued' AND j.losses >= 2 AND j.available_at <= now()
       AND j.space_id <> ALL (%(aside)s::integer[])
     ORDER BY j.available_at
     LIMIT 1
       FOR UPDATE SKIP LOCKED
), next AS MATERIALIZED (
    SELECT j.product_id, j.space_id
      FROM shelfmate.embedding_jobs j
     WHERE j.state = 'queued' AND j.losses >= 2 AND j.losses = (SELECT losses FROM first) AND j.available_at <= now()
       AND j.space_id <> ALL (%(aside)s::integer[])
     ORDER BY j.available_at
     LIMIT (SELECT CASE losses WHEN 2 THEN 32 WHEN 3 THEN 8 ELSE 1 END FROM first)
       FOR UPDATE SKIP LOCKED
)
UPDATE shelfmate.embedding_jobs j
   SET state = 'leased', lease_token = nextval('shelfmate.embedding_lease_token'), worker = %(worker)s,
       leased_until = now() + %(lease)s
  FROM next
 WHERE j.product_id = next.product_id AND j.space_id = next.space_id
RETURNING j.product_id, j.space_id, j.lease_token, j.attempts, j.priority;

-- extend: heartbeat of the leases that a worker still holds; a row that is locked waits for the next beat
UPDATE shelfmate.embedding_jobs j
   SET leased_until = now() + %(lease)s
  FROM (SELECT product_id, space_id FROM shelfmate.embedding_jobs
         WHERE state = 'leased' AND lease_token = ANY (%(tokens)s) FOR UPDATE SKIP LOCKED) held
 WHERE j.product_id = held.product_id AND j.space_id = held.space_id;

-- holders: the workers that hold leases
SELECT DISTINCT worker FROM shelfmate.embedding_jobs WHERE state = 'leased' AND worker IS NOT NULL;

-- expire: take back the jobs of workers that died, seen by their leases or known; one that killed too many is dead
WITH lost AS (
    SELECT product_id, space_id FROM shelfmate.embedding_jobs
     WHERE state = 'leased' AND (leased_until < now() OR worker = ANY (%(gone)s::text[])) FOR UPDATE SKIP LOCKED
)
UPDATE shelfmate.embedding_jobs j
   SET state = CASE WHEN j.losses + 1 >= %(most)s THEN 'dead' ELSE 'queued' END,
       losses = j.losses + 1, lease_token = NULL, leased_until = NULL,
       -- Back to where it was in the line; suspects wait for the others.
       available_at = CASE WHEN j.losses = 0 THEN j.available_at ELSE now() END,
       last_error = format('the worker %%s died or stopped answering while it held this job', j.worker)
  FROM lost
 WHERE j.product_id = lost.product_id AND j.space_id = lost.space_id
RETURNING j.space_id, j.state;

-- lose: give up the jobs of a batch that hangs; each is tried alone from now on
UPDATE shelfmate.embedding_jobs j
   SET state = CASE WHEN j.losses + 1 >= %(most)s THEN 'dead' ELSE 'queued' END,
       losses = greatest(j.losses + 1, 4), lease_token = NULL, leased_until = NULL, available_at = now(),
       last_error = %(error)s
  FROM (SELECT product_id, space_id FROM shelfmate.embedding_jobs
         WHERE state = 'leased' AND lease_token = ANY (%(tokens)s) FOR UPDATE SKIP LOCKED) held
 WHERE j.product_id = held.product_id AND j.space_id = held.space_id;

-- has_suspect: whether a job is due that has to be tried alone
SELECT EXISTS (SELECT FROM shelfmate.embedding_jobs j
                WHERE j.state = 'queued' AND j.losses >= 2 AND j.available_at <= now()
                  AND j.space_id <> ALL (%(aside)s::integer[]));

-- has_jobs: whether anything is left that is not dead, due or not, whoever holds it; the least of each index says so
SELECT coalesce(
    (SELECT min(available_at) FROM shelfmate.embedding_jobs WHERE state = 'queued' AND losses < 2 AND priority = 0),
    (SELECT min(leased_until) FROM shelfmate.embedding_jobs WHERE state = 'leased'),
    (SELECT min(available_at) FROM shelfmate.embedding_jobs WHERE state = 'queued' AND losses >= 2)) IS NOT NULL
    OR (SELECT min(space_id) FROM shelfmate.embedding_jobs WHERE state = 'queued' AND losses < 2 AND priority > 0) IS NOT NULL;

-- has_due: whether a backfill job is due, which nobody was told of when its time came
SELECT EXISTS (SELECT FROM shelfmate.embedding_spaces s CROSS JOIN LATERAL (
                   SELECT j.available_at FROM shelfmate.embedding_jobs j
                    WHERE j.state = 'queued' AND j.losses < 2 AND j.priority > 0 AND j.space_id = s.id
                    ORDER BY j.available_at LIMIT 1) next
                WHERE next.available_at <= now() AND s.id <> ALL (%(aside)s::integer[]));

-- log: what a worker finished since it said so last
INSERT INTO shelfmate.embedding_log (space_id, worker, completed, failed, died)
VALUES (%(space_id)s, %(worker)s, %(completed)s, %(failed)s, %(died)s);

-- load_inputs: what the claimed products are embedded from, what is stored of them, and what others have of their photographs
SELECT j.product_id, j.space_id,
       -- Imports give a product that only its reviews name its sku for a title, which says nothing of it.
       CASE WHEN p.title = p.sku THEN '' ELSE p.title END AS title, p.description, p.brand, p.attributes, p.price,
       i.image_hash AS photographs_hash, i.sha256s,
       CASE WHEN i.image_hash IS DISTINCT FROM e.image_hash AND same.image IS NULL THEN
           (SELECT array_agg(f.content ORDER BY f.position)
              FROM (SELECT pi.content, pi.position FROM shelfmate.product_images pi
                     WHERE pi.product_id = j.product_id ORDER BY pi.position LIMIT %(most_photographs)s) f) END AS contents,
       e.text_hash, e.image_hash, e.text, e.image, e.reviews, same.image AS same_image,
       e.product_id IS NOT NULL AS is_stored
  FROM unnest(%(product_ids)s::bigint[], %(space_ids)s::integer[]) AS j (product_id, space_id)
  JOIN shelfmate.products p ON p.id = j.product_id
  JOIN shelfmate.embedding_spaces s ON s.id = j.space_id
  LEFT JOIN shelfmate.product_embeddings e ON e.product_id = j.product_id AND e.space_id = j.space_id
  LEFT JOIN LATERAL (
      -- One photograph goes by its own hash, several by the hash of their hashes in order.
      SELECT f.sha256s, CASE cardinality(f.sha256s) WHEN 1 THEN f.sha256s[1] ELSE sha256(f.joined) END AS image_hash
        FROM (SELECT array_agg(g.sha256 ORDER BY g.position) AS sha256s,
                     string_agg(g.sha256, '' ORDER BY g.position) AS joined
                FROM (SELECT pi.sha256, pi.position FROM shelfmate.product_images pi
                       WHERE pi.product_id = j.product_id ORDER BY pi.position LIMIT %(most_photographs)s) g) f
  ) i ON s.image_dimensions > 0
  LEFT JOIN LATERAL (
      -- The first few that have the same first photograph: one that thousands share is found early or not at all.
      SELECT other.image
        FROM (SELECT d.product_id FROM shelfmate.product_images d
               WHERE d.sha256 = i.sha256s[1] AND d.product_id <> j.product_id ORDER BY d.product_id LIMIT 20) d
        JOIN shelfmate.product_embeddings other ON other.product_id = d.product_id AND other.space_id = j.space_id
       WHERE other.image_hash = i.image_hash AND other.image IS NOT NULL
       LIMIT 1
  ) same ON i.image_hash IS DISTINCT FROM e.image_hash;

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

-- by_space: the same for each space and line, with what the workers finished lately
SELECT s.name AS space, s.state, coalesce(q.interactive, 0) AS interactive, coalesce(q.backfill, 0) AS backfill,
       coalesce(q.leased, 0) AS leased, coalesce(q.dead, 0) AS dead, coalesce(q.oldest, 0) AS oldest,
       coalesce(l.completed_minute, 0) AS completed_minute, coalesce(l.completed_hour, 0) AS completed_hour,
       coalesce(l.failed_minute, 0) AS failed_minute, coalesce(l.failed_hour, 0) AS failed_hour,
       coalesce(l.died_minute, 0) AS died_minute, coalesce(l.died_hour, 0) AS died_hour
  FROM shelfmate.embedding_spaces s
  LEFT JOIN (SELECT j.space_id, count(*) FILTER (WHERE j.state = 'queued' AND j.priority = 0) AS interactive,
                    count(*) FILTER (WHERE j.state = 'queued' AND j.priority > 0) AS backfill,
                    count(*) FILTER (WHERE j.state = 'leased') AS leased, count(*) FILTER (WHERE j.state = 'dead') AS dead,
                    extract(epoch FROM now() - min(j.available_at)
                        FILTER (WHERE j.state <> 'dead' AND j.available_at <= now()))::double precision AS oldest
               FROM shelfmate.embedding_jobs j GROUP BY j.space_id) q ON q.space_id = s.id
  LEFT JOIN (SELECT g.space_id, sum(g.completed) AS completed_hour, sum(g.failed) AS failed_hour, sum(g.died) AS died_hour,
                    sum(g.completed) FILTER (WHERE g.finished_at > now() - interval '1 minute') AS completed_minute,
                    sum(g.failed) FILTER (WHERE g.finished_at > now() - interval '1 minute') AS failed_minute,
                    sum(g.died) FILTER (WHERE g.finished_at > now() - interval '1 minute') AS died_minute
               FROM shelfmate.embedding_log g
              WHERE g.finished_at > now() - interval '1 hour' GROUP BY g.space_id) l ON l.space_id = s.id
 WHERE s.state <> 'retired' OR q.space_id IS NOT NULL
 ORDER BY s.id;

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
