-- What the storefront and admin pages read: cards, not rows; every card comes with its first photograph and its rating.

-- cards_after: one page of products, newest first, older than the product with id %(cursor)s
SELECT p.id, p.sku, p.title, p.brand, p.category, p.price, p.currency, p.in_stock, i.version, i.width, i.height,
       r.rating, r.count AS reviews
  FROM shelfmate.products p
  LEFT JOIN LATERAL (SELECT encode(i.sha256, 'hex') AS version, i.width, i.height
                       FROM shelfmate.product_images i WHERE i.product_id = p.id ORDER BY i.position LIMIT 1) i ON true
  LEFT JOIN LATERAL (SELECT avg(r.rating)::float8 AS rating, count(*) FROM shelfmate.reviews r WHERE r.product_id = p.id) r ON true
 WHERE (%(category)s::text IS NULL OR p.category = ANY (ARRAY(
           SELECT c.path FROM shelfmate.categories c
            WHERE c.path = %(category)s OR starts_with(c.path, %(category)s || '/'))))
   AND (%(cursor)s::bigint IS NULL OR p.id < %(cursor)s)
 ORDER BY p.id DESC LIMIT %(limit)s;

-- cards_before: the page before, newer than the product with id %(cursor)s, nearest first
SELECT p.id, p.sku, p.title, p.brand, p.category, p.price, p.currency, p.in_stock, i.version, i.width, i.height,
       r.rating, r.count AS reviews
  FROM shelfmate.products p
  LEFT JOIN LATERAL (SELECT encode(i.sha256, 'hex') AS version, i.width, i.height
                       FROM shelfmate.product_images i WHERE i.product_id = p.id ORDER BY i.position LIMIT 1) i ON true
  LEFT JOIN LATERAL (SELECT avg(r.rating)::float8 AS rating, count(*) FROM shelfmate.reviews r WHERE r.product_id = p.id) r ON true
 WHERE (%(category)s::text IS NULL OR p.category = ANY (ARRAY(
           SELECT c.path FROM shelfmate.categories c
            WHERE c.path = %(category)s OR starts_with(c.path, %(category)s || '/'))))
   AND p.id > %(cursor)s
 ORDER BY p.id LIMIT %(limit)s;

-- cards_of: the products with these skus
SELECT p.id, p.sku, p.title, p.brand, p.category, p.price, p.currency, p.in_stock, i.version, i.width, i.height,
       r.rating, r.count AS reviews
  FROM shelfmate.products p
  LEFT JOIN LATERAL (SELECT encode(i.sha256, 'hex') AS version, i.width, i.height
                       FROM shelfmate.product_images i WHERE i.product_id = p.id ORDER BY i.position LIMIT 1) i ON true
  LEFT JOIN LATERAL (SELECT avg(r.rating)::float8 AS rating, count(*) FROM shelfmate.reviews r WHERE r.product_id = p.id) r ON true
 WHERE p.sku = ANY (%(skus)s);

-- detail: what the product page shows beyond the card
SELECT p.description, p.attributes, p.variant_group, p.updated_at FROM shelfmate.products p WHERE p.sku = %(sku)s;

-- categories: every category with its own number of products, subtree not included
SELECT c.path, c.parent, c.name, coalesce(n.count, 0) AS own
  FROM shelfmate.categories c
  LEFT JOIN (SELECT p.category, count(*) FROM shelfmate.products p GROUP BY p.category) n ON n.category = c.path
 ORDER BY c.path;

-- faces: the newest photographed product of each top category, to show the category by
SELECT c.path, f.sku, f.version, f.width, f.height
  FROM shelfmate.categories c
 CROSS JOIN LATERAL (
       SELECT p.sku, encode(i.sha256, 'hex') AS version, i.width, i.height
         FROM shelfmate.products p JOIN shelfmate.product_images i ON i.product_id = p.id AND i.position = 0
        WHERE p.category = ANY (ARRAY(SELECT d.path FROM shelfmate.categories d
                                       WHERE d.path = c.path OR starts_with(d.path, c.path || '/')))
        ORDER BY p.id DESC LIMIT 1) f
 WHERE c.parent IS NULL;

-- ratings: how many reviews of a product give each number of stars
SELECT r.rating, count(*) FROM shelfmate.reviews r JOIN shelfmate.products p ON p.id = r.product_id
 WHERE p.sku = %(sku)s GROUP BY r.rating;

-- reviews: the most helpful reviews of a product
SELECT r.rating, r.title, r.body, r.author, r.helpful_votes, r.verified, r.written_at
  FROM shelfmate.reviews r JOIN shelfmate.products p ON p.id = r.product_id
 WHERE p.sku = %(sku)s
 ORDER BY r.helpful_votes DESC, r.written_at DESC NULLS LAST, r.id LIMIT %(limit)s;

-- photo: which photograph a product has now
SELECT encode(i.sha256, 'hex'), i.media_type, i.width
  FROM shelfmate.product_images i JOIN shelfmate.products p ON p.id = i.product_id
 WHERE p.sku = %(sku)s ORDER BY i.position LIMIT 1;

-- photo_content: the bytes of one photograph of a product
SELECT i.content FROM shelfmate.product_images i JOIN shelfmate.products p ON p.id = i.product_id
 WHERE p.sku = %(sku)s AND i.sha256 = decode(%(version)s, 'hex') LIMIT 1;

-- totals: how large the catalogue is
SELECT (SELECT count(*) FROM shelfmate.products) AS products,
       (SELECT count(*) FROM shelfmate.products p
         WHERE EXISTS (SELECT FROM shelfmate.product_images i WHERE i.product_id = p.id)) AS photographed,
       (SELECT count(*) FROM shelfmate.products p WHERE p.in_stock) AS in_stock,
       (SELECT count(*) FROM shelfmate.categories) AS categories,
       (SELECT count(*) FROM shelfmate.reviews) AS reviews;

-- fill: how full each space is, and how many products a minute enter it
SELECT s.name, s.state, s.text_encoder, s.text_dimensions, s.text_weight, s.image_encoder, s.image_dimensions,
       s.image_weight, shelfmate.is_indexed(s.id) AS indexed,
       (SELECT count(*) FROM shelfmate.product_embeddings e WHERE e.space_id = s.id) AS embedded,
       (SELECT count(*) FROM shelfmate.product_embeddings e
         WHERE e.space_id = s.id AND e.embedded_at > now() - interval '1 minute') AS last_minute,
       (SELECT count(*) FROM shelfmate.embedding_jobs j WHERE j.space_id = s.id AND j.state <> 'dead') AS waiting,
       (SELECT count(*) FROM shelfmate.embedding_jobs j WHERE j.space_id = s.id AND j.state = 'dead') AS dead
  FROM shelfmate.embedding_spaces s ORDER BY s.state = 'active' DESC, s.id;
