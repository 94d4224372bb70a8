-- Frozen result lists, their pages and what signs their cursors.

-- recommend: rank the first page and freeze it, in one round trip that does not wait for the disk
WITH asked AS MATERIALIZED (
    SELECT %(query)s::jsonb AS query, s.id AS space_id, s.name AS space, set_config('synchronous_commit', 'off', true)
      FROM shelfmate.find_space(%(space)s::text) s
), ranked AS MATERIALIZED (
    SELECT r.* FROM asked, shelfmate.recommend(asked.query) r
), answer AS MATERIALIZED (
    SELECT count(*)::integer AS shown,
           CASE WHEN bool_or(r.mode = 'ann') THEN 'ann' ELSE 'exact' END AS mode,
           CASE WHEN min(r.source) FILTER (WHERE r.source <> 'pinned') <> max(r.source) FILTER (WHERE r.source <> 'pinned')
                THEN 'mixed' ELSE coalesce(min(r.source) FILTER (WHERE r.source <> 'pinned'), 'similar') END AS source,
           coalesce(json_agg(json_build_object(
               'sku', r.sku, 'title', r.title, 'score', r.score, 'contributions', r.contributions, 'examples', r.examples,
               'variants', coalesce(r.variants, '{}'), 'source', r.source, 'brand', r.brand, 'category', r.category,
               'price', r.price, 'currency', r.currency, 'in_stock', r.in_stock, 'variant_group', r.variant_group)
               ORDER BY r.position), '[]')::text AS items,
           coalesce(jsonb_agg(jsonb_build_object(
               'product_id', r.product_id, 'score', r.score, 'source', r.source, 'contributions', r.contributions,
               'examples', r.examples) ORDER BY r.position), '[]') AS frozen
      FROM ranked r
), frozen AS (
    INSERT INTO shelfmate.recommendations (kind, space_id, query, vectors, items, mode, complete, expires_at)
    SELECT %(kind)s, asked.space_id, asked.query,
           ARRAY(SELECT e.fused
                   FROM jsonb_array_elements(coalesce(asked.query->'like', '[]') || coalesce(asked.query->'unlike', '[]'))
                        WITH ORDINALITY x (example, place)
                   LEFT JOIN shelfmate.products p ON p.sku = x.example->>'sku'
                   LEFT JOIN shelfmate.product_embeddings e ON e.product_id = p.id AND e.space_id = asked.space_id
                  ORDER BY x.place),
           answer.frozen, answer.mode, answer.shown < least(%(k)s::integer, 1000) OR %(k)s::integer = 1000,
           now() + make_interval(secs => %(seconds)s)
      FROM asked, answer
    RETURNING id, complete, expires_at
)
SELECT frozen.id, answer.items, CASE WHEN frozen.complete THEN NULL ELSE answer.shown END, answer.source, answer.mode,
       asked.space, frozen.expires_at
  FROM asked, answer, frozen;

-- page: what a frozen list shows from a position on
SELECT %(id)s::uuid, p.items, p.next_position, p.source, p.mode, p.space, p.expires_at, p.kind, p.query::text
  FROM shelfmate.page_recommendation(%(id)s::uuid, %(position)s::integer, %(k)s::integer) p;

-- explain: why a product stands where it does in a frozen list, or does not
SELECT shelfmate.explain_recommendation(%(id)s::uuid, %(sku)s)::text;

-- signing_keys: the keys of cursors, oldest first
SELECT key FROM shelfmate.signing_keys ORDER BY id;
