-- Search. The work is done by the published functions, so that SQL and HTTP answer alike.

-- search: what words, vectors or both find, best first
SELECT f.sku, f.title, f.score, f.contributions, f.lexical_rank, f.vector_rank, f.brand, f.category, f.price, f.currency,
       f.in_stock, f.variant_group, f.space, f.mode
  FROM shelfmate.search_products(%(query)s::jsonb) f ORDER BY f.position;

-- facets: how many products each value has
SELECT f.field, f.value, f.count
  FROM shelfmate.facet_counts(%(filter)s::jsonb, %(fields)s::text[], %(text)s::text, %(top)s::integer) f;
