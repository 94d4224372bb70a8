-- Lists of what is popular, trending, new or bought together, kept as the others are.

-- show: rank the first page and keep the list
WITH page AS MATERIALIZED (
    SELECT p.*, set_config('synchronous_commit', 'off', true) FROM shelfmate.first_list_page(%(kind)s, %(query)s::jsonb) p
), kept AS (
    INSERT INTO shelfmate.recommendations (kind, space_id, query, vectors, items, mode, complete, expires_at)
    SELECT %(kind)s, p.space_id, %(query)s::jsonb, p.vectors, p.frozen, p.mode, p.shown < %(k)s::integer OR p.shown = 1000,
           now() + make_interval(secs => %(seconds)s)
      FROM page p
    RETURNING id, complete, expires_at
)
SELECT k.id, p.items, CASE WHEN NOT k.complete THEN p.shown END, p.source, p.mode, p.space, k.expires_at FROM page p, kept k;

-- glance: the first products of a list that nobody pages through
SELECT r.sku, r.title, r.score, r.source FROM shelfmate.rank_list(%(kind)s, %(query)s::jsonb) r ORDER BY r.position;

-- kind: of a kept list
SELECT l.kind FROM shelfmate.recommendations l WHERE l.id = %(id)s::uuid;

-- ratings: how well products are reviewed; without reviews as the shop's products are in general
SELECT p.sku, p.title, coalesce(p.bayesian_rating, q.prior_mean)::double precision, p.review_count
  FROM shelfmate.products p, shelfmate.rating_prior q WHERE p.sku = ANY (%(skus)s::text[]);
