-- Photographs that several products share, found by their bytes.

-- The worker looks here for a product that has the vector of the same photographs already.
CREATE INDEX product_images_sha256_idx ON product_images (sha256, product_id);

CREATE VIEW duplicate_photographs AS
    SELECT encode(i.sha256, 'hex') AS sha256, count(DISTINCT i.product_id) AS products, count(*) AS photographs,
           array_agg(DISTINCT p.sku ORDER BY p.sku) AS skus, max(i.width) AS width, max(i.height) AS height
      FROM product_images i JOIN products p ON p.id = i.product_id
     GROUP BY i.sha256 HAVING count(*) > 1;

COMMENT ON VIEW duplicate_photographs IS
    'Photographs that are stored more than once, byte for byte: placeholders, colours that share a picture, imports that ran twice.';
COMMENT ON COLUMN duplicate_photographs.sha256 IS 'SHA-256 of the file, in hexadecimal.';
COMMENT ON COLUMN duplicate_photographs.products IS 'How many products have it.';
COMMENT ON COLUMN duplicate_photographs.photographs IS 'How often it is stored; more than products where one has it twice.';
COMMENT ON COLUMN duplicate_photographs.skus IS 'products.sku of those that have it.';
COMMENT ON COLUMN duplicate_photographs.width IS 'Width in pixels.';
COMMENT ON COLUMN duplicate_photographs.height IS 'Height in pixels.';

GRANT SELECT ON duplicate_photographs TO analyst;

CREATE OR REPLACE FUNCTION comment_active_embeddings() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    COMMENT ON VIEW shelfmate.active_embeddings IS
        'The vectors of the active space, typed by its dimensions. Order by fused <#> q, or by text <=> q, to use an index.';
    COMMENT ON COLUMN shelfmate.active_embeddings.product_id IS 'products.id';
    COMMENT ON COLUMN shelfmate.active_embeddings.sku IS 'products.sku';
    COMMENT ON COLUMN shelfmate.active_embeddings.text IS 'Unit vector of the texts that the space encodes; null when it has no text.';
    COMMENT ON COLUMN shelfmate.active_embeddings.image IS 'Unit vector of the photographs, the mean of the first eight; null without one.';
    COMMENT ON COLUMN shelfmate.active_embeddings.reviews IS 'Unit vector of the reviews; null when the space has none.';
    COMMENT ON COLUMN shelfmate.active_embeddings.fused IS
        'sqrt(weight) times each unit block, joined: text, image, reviews. A missing block is zero. Compare by <#>.';
END $$;
SELECT comment_active_embeddings();
