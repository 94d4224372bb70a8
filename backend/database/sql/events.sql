-- What people did with products: stored in bulk, listed, counted.

-- add: store events; those whose key a product's event has already are left out, and so are unknown products, which are named by place
WITH sent AS MATERIALIZED (
    SELECT s.*, p.id AS product_id
      FROM unnest(%(users)s::text[], %(kinds)s::text[], %(skus)s::text[], %(values)s::real[], %(times)s::timestamptz[],
                  %(lists)s::uuid[], %(keys)s::text[])
           WITH ORDINALITY s (user_id, kind, sku, value, occurred_at, recommendation_id, source_id, place)
      LEFT JOIN shelfmate.products p ON p.sku = s.sku
), stored AS (
    INSERT INTO shelfmate.events (product_id, user_id, kind, value, occurred_at, recommendation_id, source_id)
    -- In one order, so that two requests that send the same keys never wait for each other.
    SELECT s.product_id, s.user_id, s.kind, s.value, coalesce(s.occurred_at, now()), s.recommendation_id, s.source_id
      FROM sent s WHERE s.product_id IS NOT NULL ORDER BY s.product_id, s.source_id, s.place
    ON CONFLICT (product_id, source_id) WHERE source_id IS NOT NULL DO NOTHING
    RETURNING 1
)
SELECT (SELECT count(*) FROM stored), ARRAY(SELECT s.place - 1 FROM sent s WHERE s.product_id IS NULL ORDER BY s.place);

-- list: a page of what a person did, the latest first
SELECT e.id, p.sku, e.kind, e.value, e.occurred_at, e.recommendation_id, e.source_id
  FROM shelfmate.events e JOIN shelfmate.products p ON p.id = e.product_id
 WHERE e.user_id = %(user)s AND (e.occurred_at, e.id) < (%(time)s::timestamptz, %(id)s::bigint)
 ORDER BY e.occurred_at DESC, e.id DESC LIMIT %(limit)s;

-- last_hour: how many events of each kind happened within the last hour
SELECT e.kind, count(*) FROM shelfmate.events e
 WHERE e.occurred_at > now() - interval '1 hour' AND e.occurred_at <= now() GROUP BY e.kind;

-- is_stored: whether a product has the event of this key
SELECT EXISTS (SELECT FROM shelfmate.events e JOIN shelfmate.products p ON p.id = e.product_id
                WHERE p.sku = %(sku)s AND e.source_id = %(key)s);

-- take_back: delete a product's event of this key
DELETE FROM shelfmate.events e USING shelfmate.products p
 WHERE p.id = e.product_id AND p.sku = %(sku)s AND e.source_id = %(key)s;

-- create_staged: a chunk of a file's rows
CREATE TEMPORARY TABLE staged_events (
    line              bigint NOT NULL,
    sku               text NOT NULL,
    user_id           text NOT NULL,
    kind              text NOT NULL,
    value             real,
    occurred_at       timestamptz NOT NULL,
    recommendation_id uuid,
    source_id         text NOT NULL
) ON COMMIT DELETE ROWS;

-- copy_staged: stage a chunk
COPY staged_events (line, sku, user_id, kind, value, occurred_at, recommendation_id, source_id) FROM STDIN;

-- drop_unknown: take out the events of products that do not exist
DELETE FROM staged_events s WHERE NOT EXISTS (SELECT FROM shelfmate.products p WHERE p.sku = s.sku) RETURNING s.line, s.sku;

-- write_staged: insert what is not stored yet
INSERT INTO shelfmate.events (product_id, user_id, kind, value, occurred_at, recommendation_id, source_id)
SELECT p.id, s.user_id, s.kind, s.value, s.occurred_at, s.recommendation_id, s.source_id
  FROM staged_events s JOIN shelfmate.products p ON p.sku = s.sku
 ORDER BY p.id, s.source_id
ON CONFLICT (product_id, source_id) WHERE source_id IS NOT NULL DO NOTHING;
