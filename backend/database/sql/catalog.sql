-- The catalogue, as backend/catalog reads and writes it.

-- read: products by sku, with what the active space knows of them and their photographs in order
SELECT p.id, p.sku, p.title, p.description, p.brand, p.category, p.price, p.currency, p.in_stock, p.variant_group,
       p.attributes, p.created_at, p.updated_at,
       CASE WHEN j.state = 'dead' THEN 'failed'
            WHEN j.state IS NULL AND EXISTS (SELECT FROM shelfmate.product_embeddings e
                                              WHERE e.product_id = p.id AND e.space_id = s.id) THEN 'embedded'
            ELSE 'pending' END AS embedding,
       i.images
  FROM shelfmate.products p
  LEFT JOIN shelfmate.embedding_spaces s ON s.state = 'active'
  LEFT JOIN shelfmate.embedding_jobs j ON j.product_id = p.id AND j.space_id = s.id
  LEFT JOIN LATERAL (
       SELECT coalesce(jsonb_agg(jsonb_build_object('position', pi.position, 'sha256', encode(pi.sha256, 'hex'),
                                                    'width', pi.width, 'height', pi.height) ORDER BY pi.position), '[]')
              AS images
         FROM shelfmate.product_images pi WHERE pi.product_id = p.id) i ON true
 WHERE p.sku = ANY (%(skus)s::text[])
 ORDER BY p.id;

-- embedding_states: what the active space knows of products
SELECT p.sku,
       CASE WHEN j.state = 'dead' THEN 'failed'
            WHEN j.state IS NULL AND EXISTS (SELECT FROM shelfmate.product_embeddings e
                                              WHERE e.product_id = p.id AND e.space_id = s.id) THEN 'embedded'
            ELSE 'pending' END AS embedding
  FROM shelfmate.products p
  LEFT JOIN shelfmate.embedding_spaces s ON s.state = 'active'
  LEFT JOIN shelfmate.embedding_jobs j ON j.product_id = p.id AND j.space_id = s.id
 WHERE p.sku = ANY (%(skus)s::text[]);

-- page: the skus of a page of the catalogue, oldest product first
SELECT p.sku, p.id FROM shelfmate.products p WHERE p.id > %(after)s ORDER BY p.id LIMIT %(limit)s;

-- page_of_categories: the same, of some categories
SELECT p.sku, p.id FROM shelfmate.products p
 WHERE p.category = ANY (%(categories)s::text[]) AND p.id > %(after)s
 ORDER BY p.id LIMIT %(limit)s;

-- count: how many products there are
SELECT count(*) FROM shelfmate.products;

-- subtree: a category and all below it; no row when it does not exist
SELECT c.path FROM shelfmate.categories c
 WHERE c.path = %(category)s::text OR starts_with(c.path, %(category)s::text || '/');

-- lock: the columns of a product that can be changed, held until the transaction ends
SELECT p.title, p.description, p.brand, p.category, p.price, p.currency, p.in_stock, p.variant_group, p.attributes
  FROM shelfmate.products p WHERE p.sku = %(sku)s FOR NO KEY UPDATE;

-- ensure_categories: create what is missing of them in one order, so that two bulk requests cannot deadlock
SELECT shelfmate.ensure_category(c.path)
  FROM (SELECT DISTINCT path COLLATE "C" AS path FROM unnest(%(paths)s::text[]) path ORDER BY 1) c;

-- put: create or replace products; returns those that were created or changed
INSERT INTO shelfmate.products AS p
       (sku, title, description, brand, category, price, currency, in_stock, variant_group, attributes)
SELECT i.sku, i.title, i.description, i.brand, i.category, i.price, i.currency, i.in_stock, i.variant_group, i.attributes
  FROM jsonb_to_recordset(%(items)s) AS i
       (sku text, title text, description text, brand text, category text, price numeric, currency text,
        in_stock boolean, variant_group text, attributes jsonb)
 ORDER BY i.sku
ON CONFLICT (sku) DO UPDATE
   SET title = excluded.title, description = excluded.description, brand = excluded.brand, category = excluded.category,
       price = excluded.price, currency = excluded.currency, in_stock = excluded.in_stock,
       variant_group = excluded.variant_group, attributes = excluded.attributes
 WHERE (p.title, p.description, p.brand, p.category, p.price, p.currency, p.in_stock, p.variant_group, p.attributes)
       IS DISTINCT FROM (excluded.title, excluded.description, excluded.brand, excluded.category, excluded.price,
                         excluded.currency, excluded.in_stock, excluded.variant_group, excluded.attributes)
RETURNING p.sku, p.xmax = 0 AS created;

-- delete: remove a product and everything that hangs on it
DELETE FROM shelfmate.products WHERE sku = %(sku)s;

-- find_product: the key of a product
SELECT p.id FROM shelfmate.products p WHERE p.sku = %(sku)s;

-- put_image: store a photograph; unchanged bytes write nothing
INSERT INTO shelfmate.product_images AS i (product_id, position, sha256, media_type, width, height, content)
VALUES (%(product_id)s, %(position)s, %(sha256)s, %(media_type)s, %(width)s, %(height)s, %(content)s)
ON CONFLICT (product_id, position) DO UPDATE
   SET sha256 = excluded.sha256, media_type = excluded.media_type, width = excluded.width, height = excluded.height,
       content = excluded.content, created_at = now()
 WHERE i.sha256 <> excluded.sha256
RETURNING i.xmax = 0 AS created;

-- next_position: where another photograph of a product goes; the product is held, so that two do not take one place
SELECT p.id, (SELECT coalesce(max(i.position) + 1, 0) FROM shelfmate.product_images i WHERE i.product_id = p.id),
       (SELECT min(i.position) FROM shelfmate.product_images i WHERE i.product_id = p.id AND i.sha256 = %(sha256)s)
  FROM (SELECT id FROM shelfmate.products WHERE sku = %(sku)s FOR NO KEY UPDATE) p;

-- describe_images: a product's photographs without their bytes, in order
SELECT i.position, encode(i.sha256, 'hex') AS sha256, i.media_type, i.width, i.height, i.byte_size, i.created_at
  FROM shelfmate.product_images i JOIN shelfmate.products p ON p.id = i.product_id
 WHERE p.sku = %(sku)s AND (%(position)s::smallint IS NULL OR i.position = %(position)s)
 ORDER BY i.position;

-- read_image: the bytes of a photograph, if it is still the one that was described
SELECT i.content
  FROM shelfmate.product_images i JOIN shelfmate.products p ON p.id = i.product_id
 WHERE p.sku = %(sku)s AND i.position = %(position)s AND i.sha256 = decode(%(sha256)s, 'hex');

-- delete_image: remove one photograph
DELETE FROM shelfmate.product_images i USING shelfmate.products p
 WHERE p.id = i.product_id AND p.sku = %(sku)s AND i.position = %(position)s;

-- add_review: store a review unless the product has it already
INSERT INTO shelfmate.reviews
       (product_id, rating, title, body, author, user_id, helpful_votes, verified, written_at, fingerprint)
VALUES (%(product_id)s, %(rating)s, %(title)s, %(body)s, %(author)s, %(user_id)s, %(helpful_votes)s, %(verified)s,
        %(written_at)s, %(fingerprint)s)
ON CONFLICT (product_id, fingerprint) DO NOTHING
RETURNING id, rating, title, body, author, user_id, helpful_votes, verified, written_at, created_at;

-- find_review: the stored review with this fingerprint
SELECT r.id, r.rating, r.title, r.body, r.author, r.user_id, r.helpful_votes, r.verified, r.written_at, r.created_at
  FROM shelfmate.reviews r WHERE r.product_id = %(product_id)s AND r.fingerprint = %(fingerprint)s;

-- list_reviews: a page of a product's reviews, the last stored first
SELECT r.id, r.rating, r.title, r.body, r.author, r.user_id, r.helpful_votes, r.verified, r.written_at, r.created_at
  FROM shelfmate.reviews r WHERE r.product_id = %(product_id)s AND r.id < %(before)s
 ORDER BY r.id DESC LIMIT %(limit)s;

-- summarise_reviews: how many reviews a product has, and their mean rating
SELECT count(*), avg(r.rating)::double precision FROM shelfmate.reviews r WHERE r.product_id = %(product_id)s;

-- list_categories: every category with the number of products directly in it
SELECT c.path, c.parent, c.name, coalesce(p.products, 0) AS products
  FROM shelfmate.categories c
  LEFT JOIN (SELECT category, count(*) AS products FROM shelfmate.products GROUP BY category) p ON p.category = c.path
 ORDER BY c.path;

-- rename_category: rename or move a category with all below it
SELECT shelfmate.rename_category(%(path)s, %(new_path)s);
