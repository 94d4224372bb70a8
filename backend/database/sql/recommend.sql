-- Ranking. The work is done by the published functions, so that SQL and HTTP answer alike.

-- recommend: what a query of products and vectors finds, best first
SELECT r.sku, r.title, r.score, r.contributions, coalesce(r.examples, '[]') AS examples, coalesce(r.variants, '{}') AS variants,
       r.source, r.brand, r.category, r.price, r.currency, r.in_stock, r.variant_group, r.space, r.mode
  FROM shelfmate.recommend(%(query)s::jsonb) r
 ORDER BY r.position;
