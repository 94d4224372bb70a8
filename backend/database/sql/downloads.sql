-- Photographs fetched from the addresses that metadata names (backend/catalog/importers/downloads.py).

-- list_waiting: the next products whose photograph is to be fetched; a photograph of the shop's own is left alone
SELECT d.product_id, p.sku, d.url
  FROM shelfmate.image_downloads d
  JOIN shelfmate.products p ON p.id = d.product_id
  LEFT JOIN shelfmate.product_images i ON i.product_id = d.product_id AND i.position = 0
 WHERE d.state = 'waiting' AND d.product_id > %(after)s AND (i.sha256 IS NULL OR i.sha256 = d.sha256)
 ORDER BY d.product_id
 LIMIT %(limit)s;

-- count_waiting: how many there are
SELECT count(*)
  FROM shelfmate.image_downloads d
  LEFT JOIN shelfmate.product_images i ON i.product_id = d.product_id AND i.position = 0
 WHERE d.state = 'waiting' AND (i.sha256 IS NULL OR i.sha256 = d.sha256);

-- store_download: store a photograph that was fetched, unless somebody stored one meanwhile or named another address
WITH wanted AS (
    SELECT d.product_id, d.sha256
      FROM shelfmate.image_downloads d
     WHERE d.product_id = %(product_id)s AND d.url = %(url)s AND d.state = 'waiting'
       FOR UPDATE
), stored AS (
    INSERT INTO shelfmate.product_images AS i (product_id, position, sha256, media_type, width, height, content)
    SELECT w.product_id, 0, %(sha256)s, %(media_type)s, %(width)s, %(height)s, %(content)s FROM wanted w
    ON CONFLICT (product_id, position) DO UPDATE
       SET sha256 = excluded.sha256, media_type = excluded.media_type, width = excluded.width,
           height = excluded.height, content = excluded.content
     WHERE i.sha256 = (SELECT w.sha256 FROM wanted w)
    RETURNING i.product_id, i.xmax = 0 AS inserted
), ended AS (
    UPDATE shelfmate.image_downloads d
       SET state = 'stored', sha256 = %(sha256)s, attempts = d.attempts + 1, reason = NULL, changed_at = now()
      FROM stored s WHERE d.product_id = s.product_id
)
SELECT s.inserted FROM stored s;

-- fail_download: keep why an address could not be fetched; state is refused, or waiting for another run
UPDATE shelfmate.image_downloads d
   SET state = %(state)s, attempts = d.attempts + 1, reason = %(reason)s, changed_at = now()
 WHERE d.product_id = %(product_id)s AND d.url = %(url)s AND d.state = 'waiting';
