-- Reviews in spaces: what the worker encodes of them and stores (workers/reviews.py), and the search inside them.

-- stored: of each product the mean of its reviews' vectors times their weights, how many those are, and how many reviews have yet to be encoded
SELECT r.product_id,
       -- The mean, which Postgres adds up in doubles, of the vectors times their weights.
       avg(e.embedding::vector * array_fill(w.weight::real, ARRAY[%(dimensions)s])::vector) AS mean,
       count(e.embedding) AS reviews, count(*) FILTER (WHERE e.review_id IS NULL) AS left_over
  FROM shelfmate.reviews r
  CROSS JOIN LATERAL (SELECT shelfmate.review_weight(r.helpful_votes, r.written_at, r.created_at) AS weight) w
  LEFT JOIN shelfmate.review_embeddings e
    ON e.product_id = r.product_id AND e.review_id = r.id AND e.space_id = %(space_id)s
   AND e.text_hash = shelfmate.review_hash(r.title, r.body)
 WHERE r.product_id = ANY (%(product_ids)s::bigint[])
 GROUP BY r.product_id;

-- fresh: reviews of these products that have yet to be encoded, so many at most
SELECT r.product_id, r.id, shelfmate.review_text(r.title, r.body) AS text, shelfmate.review_hash(r.title, r.body) AS text_hash,
       shelfmate.review_weight(r.helpful_votes, r.written_at, r.created_at) AS weight
  FROM shelfmate.reviews r
 WHERE r.product_id = ANY (%(product_ids)s::bigint[])
   AND NOT EXISTS (SELECT FROM shelfmate.review_embeddings e
                    WHERE e.product_id = r.product_id AND e.review_id = r.id AND e.space_id = %(space_id)s
                      AND e.text_hash = shelfmate.review_hash(r.title, r.body))
 ORDER BY r.product_id, r.id
 LIMIT %(most)s;

-- store: as jobs.sql stores, with reviews. Their vectors are kept with their hashes even where the job was reset meanwhile, so that nobody encodes them again; a product's block counts only those whose hash is of its present text. A job with reviews left over goes on
WITH input AS MATERIALIZED (
    SELECT * FROM unnest(
        %(product_ids)b::bigint[], %(tokens)b::bigint[], %(texts)b::halfvec[], %(images)b::halfvec[], %(reviews)b::halfvec[],
        %(fused)b::halfvec[], %(text_hashes)b::bytea[], %(image_hashes)b::bytea[], %(finished)b::boolean[]
    ) AS i (product_id, lease_token, text, image, reviews, fused, text_hash, image_hash, finished)
), encoded AS MATERIALIZED (
    SELECT * FROM unnest(%(of_products)b::bigint[], %(review_ids)b::bigint[], %(embeddings)b::halfvec[], %(review_hashes)b::bytea[])
        AS v (product_id, review_id, embedding, text_hash)
), alive AS MATERIALIZED (
    -- Products first, then jobs, then reviews, as a DELETE locks them; nothing here waits for a lock, so nothing can deadlock.
    SELECT p.id FROM shelfmate.products p WHERE p.id IN (SELECT product_id FROM input) FOR KEY SHARE SKIP LOCKED
), known AS MATERIALIZED (
    SELECT j.product_id, i.finished, j.state = 'leased' AND j.lease_token = i.lease_token AS is_held
      FROM shelfmate.embedding_jobs j JOIN input i USING (product_id) JOIN alive a ON a.id = j.product_id
     WHERE j.space_id = %(space_id)s
       FOR UPDATE OF j SKIP LOCKED
), standing AS MATERIALIZED (
    -- Locked against deletion, whose trigger then finds the vectors.
    SELECT r.product_id, r.id
      FROM shelfmate.reviews r JOIN encoded v ON v.product_id = r.product_id AND v.review_id = r.id
     WHERE r.product_id IN (SELECT product_id FROM known)
       FOR KEY SHARE OF r SKIP LOCKED
), kept AS (
    INSERT INTO shelfmate.review_embeddings AS e (product_id, review_id, space_id, embedding, text_hash)
    SELECT v.product_id, v.review_id, %(space_id)s, v.embedding, v.text_hash
      FROM encoded v JOIN standing s ON s.product_id = v.product_id AND s.id = v.review_id
    ON CONFLICT (product_id, review_id, space_id) DO UPDATE
       SET embedding = excluded.embedding, text_hash = excluded.text_hash, embedded_at = now()
     WHERE e.text_hash <> excluded.text_hash
), stored AS (
    INSERT INTO shelfmate.product_embeddings AS e
           (product_id, space_id, text, image, reviews, fused, text_hash, image_hash)
    SELECT i.product_id, %(space_id)s, i.text, i.image, i.reviews, i.fused, i.text_hash, i.image_hash
      FROM input i JOIN known k USING (product_id)
     WHERE k.is_held AND i.fused IS NOT NULL
    ON CONFLICT (product_id, space_id) DO UPDATE
       SET text = excluded.text, image = excluded.image, reviews = excluded.reviews, fused = excluded.fused,
           text_hash = excluded.text_hash, image_hash = excluded.image_hash, embedded_at = now()
), gone_on AS (
    UPDATE shelfmate.embedding_jobs j
       SET state = 'queued', priority = greatest(j.priority, 1), attempts = 0, losses = 0,
           lease_token = NULL, leased_until = NULL, worker = NULL, available_at = now()
      FROM known k
     WHERE k.is_held AND NOT k.finished AND j.product_id = k.product_id AND j.space_id = %(space_id)s
), ended AS (
    DELETE FROM shelfmate.embedding_jobs j USING known k
     WHERE k.is_held AND k.finished AND j.product_id = k.product_id AND j.space_id = %(space_id)s
)
SELECT product_id, is_held FROM known;

-- search: the reviews that words, a vector or both find, best first
SELECT review_id, product_id, sku, title, rating, review_title, review_body, score, helpful_votes, verified, written_at, mode
  FROM shelfmate.search_reviews(%(query)s::jsonb);

-- better: what is like a product and rated better
SELECT b.sku, b.title, b.score, b.bayesian_rating, b.review_count, b.rating_gain, b.rating, b.text, b.image, b.reviews, b.brand, b.category,
       b.price, b.currency, b.in_stock, b.variant_group, b.space, b.mode
  FROM shelfmate.better_reviewed(%(sku)s::text, %(k)s::integer, %(filter)s::jsonb, %(w_text)s::double precision,
                                 %(w_image)s::double precision, %(w_reviews)s::double precision, %(space)s::text) b;
