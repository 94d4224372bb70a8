-- Import of products, photographs and reviews in chunks of one transaction (backend/catalog/importers).

-- as_backfill: let what this transaction queues wait for interactive inserts
SELECT set_config('shelfmate.backfill', 'on', true);

-- create_staged_products: a chunk's rows; given are the fields that the file has, cleared the attributes it has empty
CREATE TEMPORARY TABLE staged_products (
    line          bigint NOT NULL,
    sku           text NOT NULL,
    title         text NOT NULL,
    description   text,
    brand         text,
    category      text COLLATE "C",
    price         numeric(12, 2),
    currency      text,
    in_stock      boolean,
    variant_group text,
    attributes    jsonb NOT NULL,
    cleared       text[] NOT NULL,
    given         text[] NOT NULL,
    has_image     boolean NOT NULL
) ON COMMIT DELETE ROWS;

-- create_seen_products: the skus of the whole file so far, on the server so that a long file takes no memory here
CREATE TEMPORARY TABLE seen_products (sku text PRIMARY KEY, line bigint NOT NULL);

-- create_staged_images: a chunk's new photographs
CREATE TEMPORARY TABLE staged_images (
    product_id bigint NOT NULL,
    sha256     bytea NOT NULL,
    media_type text NOT NULL,
    width      integer NOT NULL,
    height     integer NOT NULL,
    content    bytea STORAGE EXTERNAL NOT NULL
) ON COMMIT DELETE ROWS;

-- copy_products: stage a chunk
COPY staged_products (line, sku, title, description, brand, category, price, currency, in_stock, variant_group,
    attributes, cleared, given, has_image) FROM STDIN;

-- see_products: remember the chunk's skus by their first line
INSERT INTO seen_products (sku, line) SELECT sku, line FROM staged_products ORDER BY line ON CONFLICT DO NOTHING;

-- drop_repeated_products: take out the lines whose sku an earlier line had
DELETE FROM staged_products s USING seen_products seen
 WHERE seen.sku = s.sku AND seen.line <> s.line
RETURNING s.line, s.sku, seen.line;

-- create_categories: the chunk's new categories, in an order in which two imports cannot wait for each other
INSERT INTO shelfmate.categories (path)
SELECT s.category
  FROM (SELECT DISTINCT category FROM staged_products WHERE category IS NOT NULL) s
 WHERE NOT EXISTS (SELECT FROM shelfmate.categories c WHERE c.path = s.category)
 ORDER BY string_to_array(s.category, '/') COLLATE "C"
ON CONFLICT DO NOTHING;

-- write_products: insert what is new and update what differs; a field that the file does not have stays as it is, and
-- so does the title where the row has none
WITH merged AS (
    SELECT s.sku, coalesce(nullif(s.title, ''), p.title, s.sku) AS title,
           CASE WHEN 'description' = ANY (s.given) THEN coalesce(s.description, '')
                ELSE coalesce(p.description, '') END AS description,
           CASE WHEN 'brand' = ANY (s.given) THEN s.brand ELSE p.brand END AS brand,
           CASE WHEN 'category' = ANY (s.given) THEN s.category ELSE p.category END AS category,
           CASE WHEN 'price' = ANY (s.given) THEN s.price ELSE p.price END AS price,
           CASE WHEN 'currency' = ANY (s.given) THEN s.currency ELSE p.currency END AS currency,
           coalesce(s.in_stock, p.in_stock, true) AS in_stock,
           CASE WHEN 'variant_group' = ANY (s.given) THEN s.variant_group ELSE p.variant_group END AS variant_group,
           (coalesce(p.attributes, '{}') - s.cleared) || s.attributes AS attributes,
           p AS stored
      FROM staged_products s LEFT JOIN shelfmate.products p ON p.sku = s.sku
), written AS (
    INSERT INTO shelfmate.products AS p
           (sku, title, description, brand, category, price, currency, in_stock, variant_group, attributes)
    SELECT sku, title, description, brand, category, price, currency, in_stock, variant_group, attributes
      FROM merged m
     WHERE (m.stored).id IS NULL
        OR ((m.stored).title, (m.stored).description, (m.stored).brand, (m.stored).category, (m.stored).price,
            (m.stored).currency, (m.stored).in_stock, (m.stored).variant_group, (m.stored).attributes)
           IS DISTINCT FROM
           (m.title, m.description, m.brand, m.category, m.price, m.currency, m.in_stock, m.variant_group, m.attributes)
     ORDER BY sku
    ON CONFLICT (sku) DO UPDATE
       SET title = excluded.title, description = excluded.description, brand = excluded.brand,
           category = excluded.category, price = excluded.price, currency = excluded.currency,
           in_stock = excluded.in_stock, variant_group = excluded.variant_group, attributes = excluded.attributes
     WHERE (p.title, p.description, p.brand, p.category, p.price, p.currency, p.in_stock, p.variant_group, p.attributes)
           IS DISTINCT FROM
           (excluded.title, excluded.description, excluded.brand, excluded.category, excluded.price,
            excluded.currency, excluded.in_stock, excluded.variant_group, excluded.attributes)
    RETURNING p.xmax = 0 AS inserted
)
SELECT count(*) FILTER (WHERE inserted), count(*) FILTER (WHERE NOT inserted), (SELECT count(*) FROM staged_products)
  FROM written;

-- find_images: the products of the rows that have a photograph, and what is stored of it
SELECT s.line, p.id, i.sha256
  FROM staged_products s
  JOIN shelfmate.products p ON p.sku = s.sku
  LEFT JOIN shelfmate.product_images i ON i.product_id = p.id AND i.position = 0
 WHERE s.has_image
 ORDER BY p.id;

-- copy_images: stage the chunk's photographs that differ
COPY staged_images (product_id, sha256, media_type, width, height, content) FROM STDIN (FORMAT binary);

-- write_images: store them
WITH written AS (
    INSERT INTO shelfmate.product_images AS i (product_id, position, sha256, media_type, width, height, content)
    SELECT product_id, 0, sha256, media_type, width, height, content FROM staged_images ORDER BY product_id
    ON CONFLICT (product_id, position) DO UPDATE
       SET sha256 = excluded.sha256, media_type = excluded.media_type, width = excluded.width,
           height = excluded.height, content = excluded.content
     WHERE i.sha256 <> excluded.sha256
    RETURNING i.xmax = 0 AS inserted
)
SELECT count(*) FILTER (WHERE inserted), count(*) FILTER (WHERE NOT inserted) FROM written;

-- create_staged_details: what products.jsonl says of a chunk of products
CREATE TEMPORARY TABLE staged_details (sku text NOT NULL, line bigint NOT NULL, details text NOT NULL)
ON COMMIT DELETE ROWS;

-- create_details: what products.jsonl says of all products
CREATE TEMPORARY TABLE details (sku text PRIMARY KEY, line bigint NOT NULL, details text NOT NULL);

-- copy_details: stage a chunk
COPY staged_details (sku, line, details) FROM STDIN;

-- write_details: keep the first line of each product
INSERT INTO details (sku, line, details)
SELECT sku, line, details FROM staged_details ORDER BY line ON CONFLICT DO NOTHING;

-- find_repeated_details: the lines whose product an earlier line had
SELECT s.line, s.sku, d.line FROM staged_details s JOIN details d ON d.sku = s.sku WHERE d.line <> s.line ORDER BY s.line;

-- analyze_details: without this the table is read from end to end for every few products
ANALYZE details;

-- find_details: what products.jsonl says of these products
SELECT sku, details FROM details WHERE sku = ANY (%(skus)s);

-- create_staged_reviews: a chunk's rows; given are the fields that the file has
CREATE TEMPORARY TABLE staged_reviews (
    line          bigint NOT NULL,
    sku           text NOT NULL,
    fingerprint   bytea NOT NULL,
    rating        smallint NOT NULL,
    title         text NOT NULL,
    body          text NOT NULL,
    author        text,
    user_id       text,
    helpful_votes integer NOT NULL,
    verified      boolean NOT NULL,
    written_at    timestamptz,
    given         text[] NOT NULL
) ON COMMIT DELETE ROWS;

-- create_seen_reviews: the reviews of the whole file so far
CREATE TEMPORARY TABLE seen_reviews (
    sku text, fingerprint bytea, line bigint NOT NULL, PRIMARY KEY (sku, fingerprint)
);

-- copy_reviews: stage a chunk
COPY staged_reviews (line, sku, fingerprint, rating, title, body, author, user_id, helpful_votes, verified, written_at,
    given) FROM STDIN;

-- see_reviews: remember the chunk's reviews by their first line
INSERT INTO seen_reviews (sku, fingerprint, line)
SELECT sku, fingerprint, line FROM staged_reviews ORDER BY line ON CONFLICT DO NOTHING;

-- drop_repeated_reviews: take out the lines whose review an earlier line had
DELETE FROM staged_reviews s USING seen_reviews seen
 WHERE seen.sku = s.sku AND seen.fingerprint = s.fingerprint AND seen.line <> s.line
RETURNING s.line, seen.line;

-- create_reviewed_products: a bare product, titled by its sku, for every reviewed one that is unknown
INSERT INTO shelfmate.products (sku, title)
SELECT DISTINCT s.sku, s.sku
  FROM staged_reviews s
 WHERE NOT EXISTS (SELECT FROM shelfmate.products p WHERE p.sku = s.sku)
 ORDER BY s.sku
ON CONFLICT DO NOTHING;

-- drop_unknown_products: take out the reviews of products that do not exist
DELETE FROM staged_reviews s
 WHERE NOT EXISTS (SELECT FROM shelfmate.products p WHERE p.sku = s.sku)
RETURNING s.line, s.sku;

-- write_reviews: insert what is new and update what differs; a field that the file does not have stays as it is
WITH merged AS (
    SELECT p.id AS product_id, s.fingerprint, s.rating,
           CASE WHEN 'title' = ANY (s.given) THEN s.title ELSE coalesce(r.title, '') END AS title,
           CASE WHEN 'body' = ANY (s.given) THEN s.body ELSE coalesce(r.body, '') END AS body,
           CASE WHEN 'author' = ANY (s.given) THEN s.author ELSE r.author END AS author,
           CASE WHEN 'user_id' = ANY (s.given) THEN s.user_id ELSE r.user_id END AS user_id,
           CASE WHEN 'helpful_votes' = ANY (s.given) THEN s.helpful_votes
                ELSE coalesce(r.helpful_votes, 0) END AS helpful_votes,
           CASE WHEN 'verified' = ANY (s.given) THEN s.verified ELSE coalesce(r.verified, false) END AS verified,
           CASE WHEN 'written_at' = ANY (s.given) THEN s.written_at ELSE r.written_at END AS written_at,
           r AS stored
      FROM staged_reviews s
      JOIN shelfmate.products p ON p.sku = s.sku
      LEFT JOIN shelfmate.reviews r ON r.product_id = p.id AND r.fingerprint = s.fingerprint
), written AS (
    INSERT INTO shelfmate.reviews AS r
           (product_id, fingerprint, rating, title, body, author, user_id, helpful_votes, verified, written_at)
    SELECT product_id, fingerprint, rating, title, body, author, user_id, helpful_votes, verified, written_at
      FROM merged m
     WHERE (m.stored).id IS NULL
        OR ((m.stored).rating, (m.stored).title, (m.stored).body, (m.stored).author, (m.stored).user_id,
            (m.stored).helpful_votes, (m.stored).verified, (m.stored).written_at)
           IS DISTINCT FROM
           (m.rating, m.title, m.body, m.author, m.user_id, m.helpful_votes, m.verified, m.written_at)
     ORDER BY product_id, fingerprint
    ON CONFLICT (product_id, fingerprint) DO UPDATE
       SET rating = excluded.rating, title = excluded.title, body = excluded.body, author = excluded.author,
           user_id = excluded.user_id, helpful_votes = excluded.helpful_votes, verified = excluded.verified,
           written_at = excluded.written_at
     WHERE (r.rating, r.title, r.body, r.author, r.user_id, r.helpful_votes, r.verified, r.written_at)
           IS DISTINCT FROM (excluded.rating, excluded.title, excluded.body, excluded.author, excluded.user_id,
                             excluded.helpful_votes, excluded.verified, excluded.written_at)
    RETURNING r.xmax = 0 AS inserted
)
SELECT count(*) FILTER (WHERE inserted), count(*) FILTER (WHERE NOT inserted), (SELECT count(*) FROM staged_reviews)
  FROM written;

-- make_room: 20,000 reviews are about 12 MB, which by default are sorted and staged on disk; before any temporary table
SELECT set_config('work_mem', '64MB', false), set_config('temp_buffers', '64MB', false);

-- create_staged_published: a chunk of reviews as a published file has them
CREATE TEMPORARY TABLE staged_published (
    sku           text NOT NULL,
    fingerprint   bytea NOT NULL,
    rating        smallint NOT NULL,
    title         text NOT NULL,
    body          text NOT NULL,
    author        text,
    user_id       text,
    helpful_votes integer NOT NULL,
    verified      boolean NOT NULL,
    written_at    timestamptz
) ON COMMIT DELETE ROWS;

-- copy_published: stage a chunk
COPY staged_published (sku, title, body, fingerprint, rating, author, user_id, helpful_votes, verified, written_at)
    FROM STDIN;

-- create_published_products: a bare product, titled by its sku, for every one that is unknown; looked up sku by sku,
-- which no plan can turn into a scan of all products
INSERT INTO shelfmate.products (sku, title)
SELECT s.sku, s.sku
  FROM (SELECT DISTINCT sku FROM staged_published) s
 WHERE (SELECT p.id FROM shelfmate.products p WHERE p.sku = s.sku) IS NULL
 ORDER BY s.sku
ON CONFLICT DO NOTHING;

-- write_published: insert what is new; of what is stored only votes can rise, a purchase become verified, and a writer
-- become known, so that neither another run nor another order of the lines changes anything
WITH written AS (
    INSERT INTO shelfmate.reviews AS r
           (product_id, fingerprint, rating, title, body, author, user_id, helpful_votes, verified, written_at)
    SELECT p.id, s.fingerprint, s.rating, s.title, s.body, s.author, s.user_id, s.helpful_votes, s.verified, s.written_at
      FROM staged_published s
     -- OFFSET 0 keeps these lookups by index, row for row: a hash join would read the whole tables for every chunk.
     CROSS JOIN LATERAL (SELECT p.id FROM shelfmate.products p WHERE p.sku = s.sku OFFSET 0) p
      LEFT JOIN LATERAL (SELECT r.author, r.user_id, r.helpful_votes, r.verified
                           FROM shelfmate.reviews r
                          WHERE r.product_id = p.id AND r.fingerprint = s.fingerprint OFFSET 0) r ON true
     WHERE r.helpful_votes IS NULL OR s.helpful_votes > r.helpful_votes OR s.verified > r.verified
        OR (r.author IS NULL AND s.author IS NOT NULL) OR (r.user_id IS NULL AND s.user_id IS NOT NULL)
     ORDER BY p.id, s.fingerprint
    ON CONFLICT (product_id, fingerprint) DO UPDATE
       SET author = coalesce(r.author, excluded.author), user_id = coalesce(r.user_id, excluded.user_id),
           helpful_votes = greatest(r.helpful_votes, excluded.helpful_votes), verified = r.verified OR excluded.verified
     WHERE excluded.helpful_votes > r.helpful_votes OR excluded.verified > r.verified
        OR (r.author IS NULL AND excluded.author IS NOT NULL) OR (r.user_id IS NULL AND excluded.user_id IS NOT NULL)
    RETURNING r.xmax = 0 AS inserted
)
SELECT count(*) FILTER (WHERE inserted), count(*) FILTER (WHERE NOT inserted) FROM written;

-- create_staged_addresses: where the photographs of a chunk of products are fetched from
CREATE TEMPORARY TABLE staged_addresses (sku text NOT NULL, url text NOT NULL) ON COMMIT DELETE ROWS;

-- copy_addresses: stage a chunk
COPY staged_addresses (sku, url) FROM STDIN;

-- write_addresses: keep them with the products; another address than before is to be fetched again
INSERT INTO shelfmate.image_downloads AS d (product_id, url)
SELECT p.id, s.url
  FROM staged_addresses s
  JOIN shelfmate.products p ON p.sku = s.sku
  LEFT JOIN shelfmate.image_downloads d ON d.product_id = p.id
 WHERE d.url IS DISTINCT FROM s.url
 ORDER BY p.id
ON CONFLICT (product_id) DO UPDATE
   SET url = excluded.url, state = 'waiting', attempts = 0, reason = NULL, changed_at = now()
 WHERE d.url <> excluded.url;
