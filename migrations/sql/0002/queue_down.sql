-- queue.sql and images.sql undone.

DROP VIEW duplicate_photographs;
DROP INDEX product_images_sha256_idx, embedding_jobs_interactive_idx, embedding_jobs_backfill_idx;
CREATE INDEX embedding_jobs_queue_idx ON embedding_jobs (priority, available_at, product_id)
    WHERE state = 'queued' AND losses < 2;
DROP TABLE embedding_log;

CREATE OR REPLACE FUNCTION queue_embeddings(product_ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    backfill boolean := cardinality(product_ids) > 100
        OR coalesce(current_setting('shelfmate.backfill', true), '') = 'on';
BEGIN
    INSERT INTO shelfmate.embedding_jobs AS j (product_id, space_id, priority)
    SELECT p.id, s.id, backfill::int
      FROM shelfmate.products p CROSS JOIN shelfmate.embedding_spaces s
     WHERE p.id = ANY (product_ids) AND s.state <> 'retired'
     ORDER BY p.id, s.id
    ON CONFLICT (product_id, space_id) DO UPDATE
       SET state = 'queued', priority = least(j.priority, excluded.priority), available_at = now(), queued_at = now(),
           attempts = 0, losses = 0, lease_token = NULL, leased_until = NULL, worker = NULL, last_error = NULL
     WHERE j.state <> 'queued' OR j.attempts > 0 OR j.losses > 0 OR j.priority > excluded.priority;
    PERFORM pg_notify('shelfmate_jobs', '');
END $$;

CREATE OR REPLACE FUNCTION comment_active_embeddings() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    COMMENT ON VIEW shelfmate.active_embeddings IS
        'The vectors of the active space, typed by its dimensions. Order by fused <#> q, or by text <=> q, to use an index.';
    COMMENT ON COLUMN shelfmate.active_embeddings.product_id IS 'products.id';
    COMMENT ON COLUMN shelfmate.active_embeddings.sku IS 'products.sku';
    COMMENT ON COLUMN shelfmate.active_embeddings.text IS 'Unit vector of the title and description; null when the space has no text.';
    COMMENT ON COLUMN shelfmate.active_embeddings.image IS 'Unit vector of the first photograph; null without one.';
    COMMENT ON COLUMN shelfmate.active_embeddings.reviews IS 'Unit vector of the reviews; null when the space has none.';
    COMMENT ON COLUMN shelfmate.active_embeddings.fused IS
        'sqrt(weight) times each unit block, joined: text, image, reviews. A missing block is zero. Compare by <#>.';
END $$;
SELECT comment_active_embeddings();
