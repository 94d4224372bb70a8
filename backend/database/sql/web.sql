-- What the storefront and admin pages read beyond backend/catalog.

-- older: skus of a page of the catalogue, newest product first, older than the product with this id
SELECT p.id, p.sku FROM shelfmate.products p
 WHERE p.id < %(cursor)s AND (%(category)s::text IS NULL OR p.category = ANY (ARRAY(
           SELECT c.path FROM shelfmate.categories c
            WHERE c.path = %(category)s OR starts_with(c.path, %(category)s || '/'))))
 ORDER BY p.id DESC LIMIT %(limit)s;

-- newer: skus of the page before, newer than the product with this id, nearest first
SELECT p.id, p.sku FROM shelfmate.products p
 WHERE p.id > %(cursor)s AND (%(category)s::text IS NULL OR p.category = ANY (ARRAY(
           SELECT c.path FROM shelfmate.categories c
            WHERE c.path = %(category)s OR starts_with(c.path, %(category)s || '/'))))
 ORDER BY p.id LIMIT %(limit)s;

-- cards: products as they stand on a shelf, with their first photograph and their rating
SELECT p.sku, p.title, p.brand, p.price, p.currency, p.in_stock, i.photo, i.width, i.height, r.rating, r.count AS reviews
  FROM shelfmate.products p
  LEFT JOIN LATERAL (SELECT encode(i.sha256, 'hex') AS photo, i.width, i.height
                       FROM shelfmate.product_images i WHERE i.product_id = p.id ORDER BY i.position LIMIT 1) i ON true
  LEFT JOIN LATERAL (SELECT avg(r.rating)::float8 AS rating, count(*)
                       FROM shelfmate.reviews r WHERE r.product_id = p.id) r ON true
 WHERE p.sku = ANY (%(skus)s::text[]);

-- variants: the same product in other colours or sizes
SELECT v.sku FROM shelfmate.products p JOIN shelfmate.products v USING (variant_group)
 WHERE p.sku = %(sku)s AND v.id <> p.id ORDER BY v.id LIMIT %(limit)s;

-- faces: the newest photographed product of each top category, to show the category by
SELECT c.path, f.sku
  FROM shelfmate.categories c
 CROSS JOIN LATERAL (
       SELECT p.sku FROM shelfmate.products p
        WHERE EXISTS (SELECT FROM shelfmate.product_images i WHERE i.product_id = p.id)
          AND p.category = ANY (ARRAY(SELECT d.path FROM shelfmate.categories d
                                       WHERE d.path = c.path OR starts_with(d.path, c.path || '/')))
        ORDER BY p.id DESC LIMIT 1) f
 WHERE c.parent IS NULL;

-- stars: how many reviews of a product give each number of stars
SELECT r.rating, count(*) FROM shelfmate.reviews r JOIN shelfmate.products p ON p.id = r.product_id
 WHERE p.sku = %(sku)s GROUP BY r.rating;

-- minutes: what the workers finished in each of the last 60 minutes, the oldest first
SELECT 60 - m.ago AS place, coalesce(sum(g.completed), 0)::bigint AS completed, coalesce(sum(g.failed), 0)::bigint AS failed,
       coalesce(sum(g.died), 0)::bigint AS died
  FROM generate_series(0, 59) m (ago)
  LEFT JOIN shelfmate.embedding_log g ON g.finished_at > now() - (m.ago + 1) * interval '1 minute'
        AND g.finished_at <= now() - m.ago * interval '1 minute'
 GROUP BY m.ago ORDER BY place;

-- totals: how large the catalogue is
SELECT (SELECT count(*) FROM shelfmate.products) AS products,
       (SELECT count(*) FROM shelfmate.products p
         WHERE EXISTS (SELECT FROM shelfmate.product_images i WHERE i.product_id = p.id)) AS photographed,
       (SELECT count(*) FROM shelfmate.products p WHERE p.in_stock) AS in_stock,
       (SELECT count(*) FROM shelfmate.categories) AS categories,
       (SELECT count(*) FROM shelfmate.reviews) AS reviews;
