-- The plain rating of each product, kept with its reviews.

ALTER TABLE products ADD COLUMN rating real, ADD COLUMN review_count integer NOT NULL DEFAULT 0;

CREATE FUNCTION rate_products(product_ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- The locks come first, in the order of imports, and the reviews are counted by a statement of its own, whose
    -- snapshot is taken when the locks are held: what another transaction wrote meanwhile is counted too.
    PERFORM FROM shelfmate.products p WHERE p.id = ANY (product_ids) ORDER BY p.sku FOR NO KEY UPDATE;
    UPDATE shelfmate.products p SET rating = c.rating, review_count = c.review_count
      FROM (SELECT i.id, avg(r.rating)::real AS rating, count(r.rating)::integer AS review_count
              FROM unnest(product_ids) i (id) LEFT JOIN shelfmate.reviews r ON r.product_id = i.id
             GROUP BY i.id) c
     WHERE p.id = c.id AND (p.rating, p.review_count) IS DISTINCT FROM (c.rating, c.review_count);
END $$;

CREATE FUNCTION rate_reviewed_products() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        changed := ARRAY(SELECT DISTINCT n.product_id FROM new_reviews n);
    ELSIF TG_OP = 'DELETE' THEN
        changed := ARRAY(SELECT DISTINCT o.product_id FROM old_reviews o);
    ELSIF TG_OP = 'UPDATE' THEN
        changed := ARRAY(
            SELECT r.product_id
              FROM (SELECT n.product_id, n.rating, 1 AS times FROM new_reviews n
                     UNION ALL SELECT o.product_id, o.rating, -1 FROM old_reviews o) r
             GROUP BY r.product_id HAVING sum(r.times) <> 0 OR sum(r.times * r.rating) <> 0);
    ELSE
        UPDATE shelfmate.products SET rating = NULL, review_count = 0 WHERE review_count <> 0;
    END IF;
    IF cardinality(changed) > 0 THEN
        PERFORM shelfmate.rate_products(changed);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER rate_inserted AFTER INSERT ON reviews REFERENCING NEW TABLE AS new_reviews
    FOR EACH STATEMENT EXECUTE FUNCTION rate_reviewed_products();
CREATE TRIGGER rate_edited AFTER UPDATE ON reviews REFERENCING OLD TABLE AS old_reviews NEW TABLE AS new_reviews
    FOR EACH STATEMENT EXECUTE FUNCTION rate_reviewed_products();
CREATE TRIGGER rate_deleted AFTER DELETE ON reviews REFERENCING OLD TABLE AS old_reviews
    FOR EACH STATEMENT EXECUTE FUNCTION rate_reviewed_products();
CREATE TRIGGER rate_truncated AFTER TRUNCATE ON reviews FOR EACH STATEMENT EXECUTE FUNCTION rate_reviewed_products();

COMMENT ON COLUMN products.rating IS 'Mean stars of its reviews; null without any. Kept by triggers on reviews.';
COMMENT ON COLUMN products.review_count IS 'How many reviews it has. Kept by triggers on reviews.';
COMMENT ON FUNCTION rate_products(bigint[]) IS 'Counts the reviews of these products anew.';
COMMENT ON FUNCTION rate_reviewed_products() IS 'Trigger: keeps products.rating and review_count.';
