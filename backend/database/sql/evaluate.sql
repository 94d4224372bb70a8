-- Held-out links: what shelfmate evaluate asks of every contestant, and what those may know. Its tables are temporary.

-- pool: the products that every given space holds; nothing else is asked for or right
CREATE TEMP TABLE evaluation_pool AS
SELECT e.product_id FROM shelfmate.product_embeddings e WHERE e.space_id = ANY (%(space_ids)s)
 GROUP BY e.product_id HAVING count(*) = cardinality(%(space_ids)s::integer[]);

-- index_pool: so that joins find them
ALTER TABLE evaluation_pool ADD PRIMARY KEY (product_id);

-- analyze_pool: so that plans know how many there are
ANALYZE evaluation_pool;

-- pool_ids: their ids, rising
SELECT product_id FROM evaluation_pool ORDER BY product_id;

-- counts: products of the catalogue, and those of the pool
SELECT (SELECT count(*) FROM shelfmate.products) AS products, (SELECT count(*) FROM evaluation_pool) AS pool;

-- signals: user_signals of the pool; unlike there, a review whose time nobody knows has none, and not that of its import
CREATE TEMP TABLE evaluation_signals AS
SELECT s.user_id, s.product_id, s.kind, s.value, s.occurred_at, false AS is_test
  FROM (SELECT v.user_id, v.product_id, v.kind, v.value, v.occurred_at FROM shelfmate.events v
        UNION ALL
        SELECT r.user_id, r.product_id, 'rating', r.rating, r.written_at FROM shelfmate.reviews r WHERE r.user_id IS NOT NULL) s
  JOIN evaluation_pool USING (product_id);

-- times: how many signals there are, of whom, how many have a time, and the time before which the share of training lies
SELECT count(*) AS signals, count(DISTINCT user_id) AS people, count(occurred_at) AS timed,
       min(occurred_at) AS first_at, max(occurred_at) AS last_at,
       percentile_disc(%(training)s) WITHIN GROUP (ORDER BY occurred_at) AS training_until
  FROM evaluation_signals;

-- next_time: the first time after that
SELECT min(occurred_at) FROM evaluation_signals WHERE occurred_at > %(at)s;

-- drop_untimed: what has no time is neither before the cut nor after it
DELETE FROM evaluation_signals WHERE occurred_at IS NULL;

-- cut_at_time: what happened at the cut or later is the test
UPDATE evaluation_signals SET is_test = true WHERE occurred_at >= %(cut)s;

-- cut_at_random: all signals of one person about one product fall on one side
UPDATE evaluation_signals SET is_test = true
 WHERE (hashtextextended(user_id || ' ' || product_id, %(seed)s) & 1023) >= 1024 * %(training)s;

-- index_people: the signals of a person
CREATE INDEX ON evaluation_signals (user_id);

-- index_products: the people of a product, as far as they may be known
CREATE INDEX ON evaluation_signals (product_id) WHERE NOT is_test;

-- analyze_signals: so that plans know how many there are
ANALYZE evaluation_signals;

-- sides: signals of training and of test
SELECT count(*) FILTER (WHERE NOT is_test) AS training, count(*) FILTER (WHERE is_test) AS test FROM evaluation_signals;

-- popularity: by product, people known before the cut to have had to do with it; a review of nobody known is one of its own
SELECT product_id, sum(people)::bigint
  FROM (SELECT product_id, count(DISTINCT user_id) AS people FROM evaluation_signals WHERE NOT is_test GROUP BY product_id
        UNION ALL
        SELECT r.product_id, count(*) FROM shelfmate.reviews r JOIN evaluation_pool USING (product_id)
         WHERE r.user_id IS NULL AND (%(cut)s::timestamptz IS NULL OR r.written_at < %(cut)s) GROUP BY r.product_id) counted
 GROUP BY product_id;

-- ratings: by product, how many stars were given before the cut, and their sum
SELECT product_id, count(*), sum(stars)::double precision
  FROM (SELECT product_id, value AS stars FROM evaluation_signals WHERE NOT is_test AND kind = 'rating' AND value IS NOT NULL
        UNION ALL
        SELECT r.product_id, r.rating FROM shelfmate.reviews r JOIN evaluation_pool USING (product_id)
         WHERE r.user_id IS NULL AND (%(cut)s::timestamptz IS NULL OR r.written_at < %(cut)s)) rated
 GROUP BY product_id;

-- article_types: a sample of the products in whose category there are others, with how many
WITH sized AS (
    SELECT p.id, p.sku, p.category, count(*) OVER (PARTITION BY p.category) - 1 AS others
      FROM evaluation_pool JOIN shelfmate.products p ON p.id = product_id WHERE p.category IS NOT NULL
)
SELECT id, sku, category, others FROM sized WHERE others > 0 AND (%(only)s::bigint[] IS NULL OR id = ANY (%(only)s::bigint[]))
 ORDER BY hashtextextended(sku, %(seed)s), id LIMIT %(sample)s;

-- variants: a sample of the products of variant groups, with the group and its other members
WITH grouped AS MATERIALIZED (
    SELECT p.id, p.sku, p.variant_group, count(*) OVER (PARTITION BY p.variant_group) AS members
      FROM evaluation_pool JOIN shelfmate.products p ON p.id = product_id WHERE p.variant_group IS NOT NULL
), sampled AS MATERIALIZED (
    SELECT * FROM grouped WHERE members > 1 AND (%(only)s::bigint[] IS NULL OR id = ANY (%(only)s::bigint[]))
     ORDER BY hashtextextended(sku, %(seed)s), id LIMIT %(sample)s
), groups AS (
    SELECT g.variant_group, array_agg(g.id) AS members FROM grouped g
     WHERE g.variant_group IN (SELECT s.variant_group FROM sampled s) GROUP BY g.variant_group
)
SELECT s.id, s.sku, s.variant_group, array_remove(g.members, s.id)
  FROM sampled s JOIN groups g USING (variant_group)
 ORDER BY hashtextextended(s.sku, %(seed)s), s.id;

-- bought_together: a sample of what people bought, who bought something else first after the cut, with that
WITH bought AS MATERIALIZED (
    SELECT user_id, product_id, bool_and(is_test) AS is_new FROM evaluation_signals
     WHERE kind IN ('purchase', 'cart', 'rating') GROUP BY user_id, product_id
), baskets AS MATERIALIZED (
    SELECT user_id, array_agg(product_id ORDER BY product_id) FILTER (WHERE is_new) AS held_out FROM bought
     GROUP BY user_id HAVING count(*) BETWEEN 2 AND %(most)s AND bool_or(is_new)
)
SELECT p.id, p.sku, b.user_id, array_remove(k.held_out, p.id)
  FROM baskets k JOIN bought b USING (user_id) JOIN shelfmate.products p ON p.id = b.product_id
 WHERE array_remove(k.held_out, p.id) <> '{}'
 ORDER BY hashtextextended(p.sku || ' ' || b.user_id, %(seed)s), p.id, b.user_id LIMIT %(sample)s;

-- people: a sample of people with what of theirs is held out last, new to them and not rated low, and what came before, latest first
WITH last AS (
    SELECT user_id, max(occurred_at) AS at FROM evaluation_signals WHERE is_test GROUP BY user_id
), held_out AS MATERIALIZED (
    SELECT t.user_id, array_agg(DISTINCT t.product_id) AS products
      FROM evaluation_signals t JOIN last l USING (user_id)
     WHERE t.is_test AND (%(cut)s::timestamptz IS NULL OR t.occurred_at = l.at)
       AND NOT (t.kind = 'rating' AND coalesce(t.value, 5) <= %(low)s)
       AND NOT EXISTS (SELECT FROM evaluation_signals h
                        WHERE h.user_id = t.user_id AND h.product_id = t.product_id AND NOT h.is_test)
     GROUP BY t.user_id
), sampled AS MATERIALIZED (
    SELECT * FROM held_out o
     WHERE EXISTS (SELECT FROM evaluation_signals h WHERE h.user_id = o.user_id AND NOT h.is_test)
     ORDER BY hashtextextended(o.user_id, %(seed)s), o.user_id LIMIT %(sample)s
)
SELECT s.user_id, s.products, h.products
  FROM sampled s
 CROSS JOIN LATERAL (SELECT array_agg(k.product_id ORDER BY k.at DESC NULLS LAST, k.product_id) AS products
                       FROM (SELECT e.product_id, max(e.occurred_at) AS at FROM evaluation_signals e
                              WHERE e.user_id = s.user_id AND NOT e.is_test GROUP BY e.product_id) k) h
 ORDER BY hashtextextended(s.user_id, %(seed)s), s.user_id;

-- people_counts: people with something held out, those of them without anything before the cut
SELECT count(*), count(*) FILTER (WHERE NOT has_history)
  FROM (SELECT user_id, bool_or(NOT is_test) AS has_history FROM evaluation_signals GROUP BY user_id HAVING bool_or(is_test)) known;

-- companions: what people who bought one of these products bought besides, before the cut, by how many of them
WITH people AS MATERIALIZED (
    SELECT DISTINCT a.user_id FROM evaluation_signals a
     WHERE a.product_id = ANY (%(product_ids)s) AND NOT a.is_test AND a.kind IN ('purchase', 'cart', 'rating')
       AND a.user_id IS DISTINCT FROM %(user_id)s
     ORDER BY a.user_id LIMIT %(most)s
)
SELECT o.product_id FROM people JOIN evaluation_signals o USING (user_id)
 WHERE NOT o.is_test AND o.kind IN ('purchase', 'cart', 'rating') AND o.product_id <> ALL (%(exclude)s)
 GROUP BY o.product_id ORDER BY count(DISTINCT o.user_id) DESC, o.product_id LIMIT %(k)s;

-- texts: titles and descriptions of the pool's products after an id
SELECT p.id, p.title, p.description FROM evaluation_pool JOIN shelfmate.products p ON p.id = product_id
 WHERE p.id > %(after)s ORDER BY p.id LIMIT %(chunk)s;

-- described: what is encoded of these products, and the name of their category
SELECT p.id, p.title, p.description, p.brand, p.attributes, p.price, coalesce(c.name, '')
  FROM shelfmate.products p LEFT JOIN shelfmate.categories c ON c.path = p.category WHERE p.id = ANY (%(product_ids)s);

-- stored: the vectors of these products in a space
SELECT product_id, fused FROM shelfmate.product_embeddings WHERE space_id = %(space_id)s AND product_id = ANY (%(product_ids)s);

-- categories: of these products
SELECT id, category FROM shelfmate.products WHERE id = ANY (%(product_ids)s);

-- skus: of these products
SELECT id, sku FROM shelfmate.products WHERE id = ANY (%(product_ids)s);

-- by_vector: what a user gets for a query vector that stands for a product
SELECT r.product_id
  FROM shelfmate.rank_products(shelfmate.find_space(%(space)s), %(fused)s, %(k)s, NULL, '{}', false, ARRAY[%(product_id)s::bigint],
                               %(factors)s::double precision[]) r
 ORDER BY r.score DESC, r.product_id;

-- for_user: what a person gets, as of a time
SELECT r.product_id
  FROM shelfmate.recommend_for_user(%(user_id)s, %(k)s, space => %(space)s, as_of => %(as_of)s, rules => false) r
 ORDER BY r."position";

-- for_session: what somebody with this history gets by it alone; what others did may be held out
SELECT r.product_id
  FROM shelfmate.recommend_for_session(%(events)s, %(k)s, space => %(space)s, w_popularity => 0, w_together => 0,
                                       fallback => false, discover => false, rules => false) r
 ORDER BY r."position";

-- like_all: what is most like the mean of several products, by weights or the space's own
SELECT r.product_id FROM shelfmate.recommend(%(query)s) r ORDER BY r."position";

-- late_reviews: how many reviews of the pool were written at the cut or later
SELECT count(*) FROM shelfmate.reviews r JOIN evaluation_pool USING (product_id) WHERE r.written_at >= %(cut)s;

-- newest_product: when the newest product of the catalogue came
SELECT max(created_at) FROM shelfmate.products;

-- made_until: ids of the products that were there at a time
SELECT id FROM shelfmate.products WHERE created_at <= %(at)s ORDER BY id;
