-- What the rating predictor learns from.

-- all_reviews: every review with its product's sku, in the order of storing
SELECT r.id, p.sku, r.user_id, r.title, r.body, r.rating, r.helpful_votes, r.written_at
  FROM shelfmate.reviews r JOIN shelfmate.products p ON p.id = r.product_id ORDER BY r.id;

-- first_images: of every reviewed product that has photographs, the first one's file
SELECT DISTINCT ON (p.sku) p.sku, i.content
  FROM shelfmate.products p JOIN shelfmate.product_images i ON i.product_id = p.id
 WHERE EXISTS (SELECT FROM shelfmate.reviews r WHERE r.product_id = p.id) ORDER BY p.sku, i.position;
