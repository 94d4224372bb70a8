-- Ranking. The work is done by the published functions, so that SQL and HTTP answer alike.

-- similar: the k products most like one
SELECT s.sku, s.title, s.score, s.text, s.image, s.reviews, s.brand, s.category, s.price, s.currency, s.in_stock,
       s.variant_group, s.space, s.mode
  FROM shelfmate.similar_products(%(sku)s, %(k)s::integer, %(category)s, %(price_min)s::numeric, %(price_max)s::numeric,
           %(in_stock)s::boolean, %(w_text)s::float8, %(w_image)s::float8, %(w_reviews)s::float8, %(space)s, %(exact)s) s;

-- by_vector: the k products nearest to a query vector
SELECT p.sku, p.title, r.score, r.text, r.image, r.reviews, p.brand, p.category, p.price, p.currency, p.in_stock,
       p.variant_group, %(space)s::text, r.mode
  FROM shelfmate.rank_products(shelfmate.find_space(%(space)s), %(query)s, %(k)s::integer, %(category)s,
           %(price_min)s::numeric, %(price_max)s::numeric, %(in_stock)s::boolean, '{}', %(exact)s) r
  JOIN shelfmate.products p ON p.id = r.product_id
 ORDER BY r.score DESC, r.product_id;
