-- Upkeep: what is due, what is measured, what is changed and what is shown of it.

-- lock: one pass at a time in the whole database
SELECT pg_try_advisory_lock(hashtext('shelfmate.upkeep'), 0);

-- due: whether a pass is due, whether one that measures is, and whether no product waits to be embedded
SELECT NOT EXISTS (SELECT FROM shelfmate.upkeep_passes WHERE started_at > clock_timestamp() - %(interval)s) AS due,
       NOT EXISTS (SELECT FROM shelfmate.upkeep_passes
                    WHERE started_at > clock_timestamp() - %(interval)s AND measured) AS measuring_due,
       NOT EXISTS (SELECT FROM shelfmate.embedding_jobs
                    WHERE state = 'leased' OR state = 'queued' AND available_at <= now()) AS idle;

-- busy: whether a batch of products waits to be embedded
SELECT count(*) = %(batch)s
  FROM (SELECT FROM shelfmate.embedding_jobs
         WHERE state = 'leased' OR state = 'queued' AND available_at <= now() LIMIT %(batch)s) waiting;

-- begin: note that a pass began
INSERT INTO shelfmate.upkeep_passes (worker, measured) VALUES (%(worker)s, %(measured)s) RETURNING id;

-- end: note how a pass ended
UPDATE shelfmate.upkeep_passes
   SET finished_at = clock_timestamp(), audited = %(audited)s, expired = %(expired)s, error = %(error)s WHERE id = %(id)s;

-- expire: delete a batch of result lists that may be deleted, without waiting for one that is being read
DELETE FROM shelfmate.recommendations r
 WHERE r.id IN (SELECT x.id FROM shelfmate.recommendations x WHERE x.expires_at <= now()
                 ORDER BY x.expires_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED);

-- popularity: count anew what is popular
SELECT shelfmate.count_popularity();

-- interest: count anew what people are interested in
SELECT shelfmate.count_interest();

-- bought_together: count anew what is bought together, once an hour
SELECT shelfmate.count_bought_together()
 WHERE NOT EXISTS (SELECT FROM shelfmate.bought_counts c WHERE c.counted_at > now() - interval '1 hour');

-- review_words: the words of the reviews of the next products that an import brought
SELECT shelfmate.store_due_review_words(%(most)s);

-- rating_prior: count the mean of all ratings anew; whether products have to follow it
SELECT shelfmate.count_rating_prior();

-- refresh_ratings: let the next products follow it
SELECT looked_at, all_right, last_id FROM shelfmate.refresh_bayesian_ratings(%(after)s, %(most)s);

-- end_ratings: all of them do, and did before
UPDATE shelfmate.rating_prior SET applied_at = clock_timestamp();

-- forget_audits: comparisons of more than 8 days ago
DELETE FROM shelfmate.recall_audits WHERE audited_at < now() - interval '8 days';

-- forget_checks: checks of indexes of more than 30 days ago, but for the one that a build is compared with
DELETE FROM shelfmate.index_checks c
 WHERE c.checked_at < now() - interval '30 days'
   AND EXISTS (SELECT FROM shelfmate.index_checks f
                WHERE f.index_name = c.index_name AND f.build = c.build AND f.checked_at < c.checked_at
               UNION ALL
               SELECT FROM shelfmate.index_checks n
                WHERE n.index_name = c.index_name AND n.build <> c.build AND n.checked_at > c.checked_at);

-- forget_passes: the same of passes
DELETE FROM shelfmate.upkeep_passes WHERE started_at < now() - interval '30 days';

-- one_snapshot: what is compared is asked of the same rows, whatever is written meanwhile
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;

-- space_of_audit: the present ef_search of a space that queries go to through an index, and how many products it holds
SELECT s.ef_search, (SELECT count(*) FROM shelfmate.product_embeddings e WHERE e.space_id = s.id) AS products
  FROM shelfmate.embedding_spaces s WHERE s.id = %(space_id)s AND shelfmate.is_indexed(s.id);

-- live_questions: a sample of what was asked lately and answered through an index, as it would be ranked now
SELECT r.id, shelfmate.frozen_query(r), coalesce((r.query->>'k')::integer, 10)
  FROM (SELECT x.* FROM (SELECT * FROM shelfmate.recommendations ORDER BY expires_at DESC LIMIT 5000) x
         WHERE x.space_id = %(space_id)s AND x.mode = 'ann' AND (x.query ? 'like' OR x.query ? 'unlike')
           AND NOT EXISTS (SELECT FROM shelfmate.recall_audits a WHERE a.recommendation_id = x.id)
         ORDER BY random() LIMIT %(sample)s) r;

-- probe_products: a sample of products that could be asked for
SELECT p.sku, p.category
  FROM (SELECT * FROM shelfmate.product_embeddings TABLESAMPLE SYSTEM (%(portion)s)) e
  JOIN shelfmate.products p ON p.id = e.product_id
 WHERE e.space_id = %(space_id)s ORDER BY random() LIMIT %(sample)s;

-- match_share: the share of products that match a filter
SELECT (SELECT count(*) FROM shelfmate.filter_products(%(filter)s))
       / greatest(1, (SELECT count(*) FROM shelfmate.products))::double precision;

-- exact_answer: how long the exact answer is, and the score of its last product
SELECT count(*), min(r.score) FROM shelfmate.recommend(%(query)s::jsonb || '{"exact": true}') r;

-- try_ef_search: a space's ef_search, in a transaction that is rolled back
UPDATE shelfmate.embedding_spaces SET ef_search = %(ef_search)s WHERE id = %(space_id)s;

-- answer: how many products of an answer belong to the exact one, and how it was found
SELECT count(*) FILTER (WHERE r.score >= %(last)s::double precision - 1e-6), min(r.mode)
  FROM shelfmate.recommend(%(query)s::jsonb) r;

-- keep_audit: one comparison
INSERT INTO shelfmate.recall_audits (space_id, kind, recommendation_id, filter_class, match_share, k, ef_search, recall)
VALUES (%(space_id)s, %(kind)s, %(recommendation_id)s, shelfmate.filter_class(%(match_share)s), %(match_share)s,
        %(k)s, %(ef_search)s, %(recall)s);

-- may_lower: whether nothing was changed in the last hour, and the lower value was not given up in the last week
SELECT NOT EXISTS (SELECT FROM shelfmate.retrieval_changes c WHERE c.space_id = %(space_id)s
                      AND c.action <> 'rebuild' AND c.created_at > clock_timestamp() - interval '1 hour')
   AND NOT EXISTS (SELECT FROM shelfmate.retrieval_changes c WHERE c.space_id = %(space_id)s
                      AND c.action = 'raise ef_search' AND c.old_value::integer >= %(ef_search)s
                      AND c.created_at > clock_timestamp() - interval '7 days');

-- set_ef_search: change it, unless somebody else did meanwhile
UPDATE shelfmate.embedding_spaces SET ef_search = %(new)s WHERE id = %(space_id)s AND ef_search = %(old)s;

-- keep_change: what was changed, and why
INSERT INTO shelfmate.retrieval_changes
       (space_id, action, index_name, old_value, new_value, measured_before, measured_after, reason)
VALUES (%(space_id)s, %(action)s, %(index_name)s, %(old)s, %(new)s, %(before)s, %(after)s, %(reason)s);

-- index_state: a whole index: its file, its size, its options, its table's dead rows and products, and its first check
SELECT c.relfilenode::bigint AS build, pg_relation_size(c.oid) AS bytes, coalesce(array_to_string(c.reloptions, ', '), '') AS options,
       coalesce(t.n_dead_tup, 0) AS dead,
       (SELECT count(*) FROM shelfmate.product_embeddings e WHERE e.space_id = %(space_id)s) AS products,
       (SELECT f.bytes / greatest(f.products, 1)::double precision FROM shelfmate.index_checks f
         WHERE f.index_name = %(index_name)s AND f.build = c.relfilenode::bigint ORDER BY f.checked_at LIMIT 1) AS first_bytes
  FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_stat_user_tables t ON t.relid = i.indrelid
 WHERE c.oid = to_regclass(format('shelfmate.%%I', %(index_name)s::text)) AND i.indisvalid;

-- probe_index: how many products were asked for by their own vector, and how many did not come back
SELECT count(*), count(*) FILTER (WHERE NOT found)
  FROM shelfmate.probe_index(%(space_id)s, %(block)s, %(sample)s);

-- keep_check: how an index was found
INSERT INTO shelfmate.index_checks (space_id, index_name, build, products, bytes, dead_share, growth, asked, lost)
VALUES (%(space_id)s, %(index_name)s, %(build)s, %(products)s, %(bytes)s, %(dead_share)s, %(growth)s, %(asked)s, %(lost)s);

-- rebuilt_lately: whether an index was rebuilt in the last six hours
SELECT EXISTS (SELECT FROM shelfmate.retrieval_changes
                WHERE index_name = %(index_name)s AND created_at > clock_timestamp() - interval '6 hours');

-- half_built: what a rebuild that was cut short left of an index
SELECT c.relname FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid
 WHERE c.relnamespace = 'shelfmate'::regnamespace AND NOT i.indisvalid AND c.relname ~ '_hnsw_cc(new|old)[0-9]*$'
   AND i.indrelid = format('shelfmate.product_embeddings_%%s', %(space_id)s::integer)::regclass;

-- serial_build: a graph built by one process, which leaves no cluster out
SELECT set_config('max_parallel_maintenance_workers', '0', false);

-- recall: recall by space, filter class and k as the spaces are now
SELECT space, filter_class, k, n, live, recall, p5, last_audited FROM shelfmate.recall_by_class ORDER BY space, k;

-- recall_of_classes: the same over every k
SELECT space, filter_class, count(*) AS n, avg(recall) AS recall, percentile_cont(0.05) WITHIN GROUP (ORDER BY recall) AS p5
  FROM shelfmate.current_audits GROUP BY space, filter_class;

-- recall_by_day: recall by space and day
SELECT s.name AS space, (a.audited_at AT TIME ZONE 'UTC')::date AS day, count(*) AS n,
       count(*) FILTER (WHERE a.kind = 'live') AS live, avg(a.recall) AS recall,
       percentile_cont(0.05) WITHIN GROUP (ORDER BY a.recall) AS p5
  FROM shelfmate.recall_audits a JOIN shelfmate.embedding_spaces s ON s.id = a.space_id
 GROUP BY s.name, day ORDER BY day DESC, s.name LIMIT 30;

-- spaces: what each space that is in use is set to
SELECT s.name AS space, s.state, s.ef_search, shelfmate.is_indexed(s.id) AS indexed,
       (SELECT max(a.audited_at) FROM shelfmate.recall_audits a WHERE a.space_id = s.id) AS last_audited
  FROM shelfmate.embedding_spaces s WHERE s.state <> 'retired' ORDER BY s.id;

-- health: the indexes as they were last found
SELECT space, index_name, products, bytes, dead_share, growth, asked, lost, lost_share, first_seen, rebuilt_at, checked_at
  FROM shelfmate.index_health ORDER BY space, index_name;

-- changes: what was changed last
SELECT s.name AS space, c.action, c.index_name, c.old_value, c.new_value, c.measured_before, c.measured_after, c.reason, c.created_at
  FROM shelfmate.retrieval_changes c JOIN shelfmate.embedding_spaces s ON s.id = c.space_id
 ORDER BY c.created_at DESC LIMIT 20;

-- last_pass: the last pass that measured
SELECT started_at, finished_at, audited, expired, error FROM shelfmate.upkeep_passes
 WHERE measured ORDER BY started_at DESC LIMIT 1;

-- forget_log: the rates of the queue go back one hour
DELETE FROM shelfmate.embedding_log WHERE finished_at < now() - interval '2 hours';
