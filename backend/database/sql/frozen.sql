-- Frozen result lists, their pages and what signs their cursors.

-- recommend: rank the first page and keep the list, in one round trip that does not wait for the disk
WITH page AS MATERIALIZED (
    SELECT p.*, set_config('synchronous_commit', 'off', true) FROM shelfmate.first_page(%(query)s::jsonb) p
), kept AS (
    INSERT INTO shelfmate.recommendations (kind, space_id, query, vectors, items, mode, complete, expires_at)
    SELECT %(kind)s, p.space_id, %(query)s::jsonb, p.vectors, p.frozen, p.mode, p.shown < %(k)s::integer OR p.shown = 1000,
           now() + make_interval(secs => %(seconds)s)
      FROM page p
    RETURNING id, complete, expires_at
)
SELECT k.id, p.items, CASE WHEN NOT k.complete THEN p.shown END, p.source, p.mode, p.space, k.expires_at FROM page p, kept k;

-- rank: the same without keeping it, for a replica
SELECT p.items, p.shown, p.source, p.mode, p.space, p.space_id, p.vectors::text, p.frozen::text
  FROM shelfmate.first_page(%(query)s::jsonb) p;

-- keep: a list that a replica ranked
WITH fast AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
INSERT INTO shelfmate.recommendations (kind, space_id, query, vectors, items, mode, complete, expires_at)
SELECT %(kind)s, %(space_id)s, %(query)s::jsonb, %(vectors)s::halfvec[], %(frozen)s::jsonb, %(mode)s,
       %(shown)s < %(k)s::integer OR %(shown)s = 1000, now() + make_interval(secs => %(seconds)s)
  FROM fast
RETURNING id, CASE WHEN NOT complete THEN %(shown)s END, expires_at;

-- page: what a frozen list shows from a position on
SELECT %(id)s::uuid, p.items, p.next_position, p.source, p.mode, p.space, p.expires_at, p.kind, p.query::text
  FROM shelfmate.page_recommendation(%(id)s::uuid, %(position)s::integer, %(k)s::integer) p;

-- explain: why a product stands where it does in a frozen list, or does not
SELECT shelfmate.explain_recommendation(%(id)s::uuid, %(sku)s)::text;

-- signing_keys: the keys of cursors, oldest first
SELECT key FROM shelfmate.signing_keys ORDER BY id;
