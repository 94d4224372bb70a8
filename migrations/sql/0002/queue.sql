-- The queue in two lines: interactive jobs, and backfills by space, so that no space waits for another's.

DROP INDEX embedding_jobs_queue_idx;
CREATE INDEX embedding_jobs_interactive_idx ON embedding_jobs (available_at, product_id)
    WHERE state = 'queued' AND losses < 2 AND priority = 0;
CREATE INDEX embedding_jobs_backfill_idx ON embedding_jobs (space_id, available_at, product_id)
    WHERE state = 'queued' AND losses < 2 AND priority > 0;

-- Only ever added to, so that workers do not wait for each other. Without keys: a check would lock the
-- one row of the space each time.
CREATE TABLE embedding_log (
    finished_at timestamptz NOT NULL DEFAULT now(),
    space_id    integer NOT NULL,
    worker      text NOT NULL,
    completed   integer NOT NULL DEFAULT 0,
    failed      integer NOT NULL DEFAULT 0,
    died        integer NOT NULL DEFAULT 0
);
CREATE INDEX embedding_log_finished_at_idx ON embedding_log (finished_at);

CREATE OR REPLACE FUNCTION queue_embeddings(product_ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    backfill boolean := cardinality(product_ids) > 100
        OR coalesce(current_setting('shelfmate.backfill', true), '') = 'on';
BEGIN
    -- A space that is still being filled answers nobody: its share of an edit is part of the fill.
    INSERT INTO shelfmate.embedding_jobs AS j (product_id, space_id, priority)
    SELECT p.id, s.id, (backfill OR s.state = 'building')::int
      FROM shelfmate.products p CROSS JOIN shelfmate.embedding_spaces s
     WHERE p.id = ANY (product_ids) AND s.state <> 'retired'
     ORDER BY p.id, s.id
    ON CONFLICT (product_id, space_id) DO UPDATE
       SET state = 'queued', priority = least(j.priority, excluded.priority), available_at = now(), queued_at = now(),
           attempts = 0, losses = 0, lease_token = NULL, leased_until = NULL, worker = NULL, last_error = NULL
     WHERE j.state <> 'queued' OR j.attempts > 0 OR j.losses > 0 OR j.priority > excluded.priority;
    PERFORM pg_notify('shelfmate_jobs', '');
END $$;

COMMENT ON TABLE embedding_log IS 'What the workers finished, a row a worker and space every few seconds; kept for two hours, for the rates of the queue.';
COMMENT ON COLUMN embedding_log.finished_at IS 'When the row was written: seconds after what it counts.';
COMMENT ON COLUMN embedding_log.space_id IS 'embedding_spaces.id';
COMMENT ON COLUMN embedding_log.worker IS 'Host and process of the worker.';
COMMENT ON COLUMN embedding_log.completed IS 'Jobs that ended well.';
COMMENT ON COLUMN embedding_log.failed IS 'Attempts that failed and will be made again.';
COMMENT ON COLUMN embedding_log.died IS 'Jobs that were given up.';

GRANT SELECT ON embedding_log TO analyst;
