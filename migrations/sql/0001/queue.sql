-- The queue. One row a product and space: an edit resets it, so that a worker holding the old input is refused.

CREATE FUNCTION queue_embeddings(product_ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    backfill boolean := cardinality(product_ids) > 100
        OR coalesce(current_setting('shelfmate.backfill', true), '') = 'on';
BEGIN
    INSERT INTO shelfmate.embedding_jobs AS j (product_id, space_id, priority)
    SELECT p.id, s.id, backfill::int
      FROM shelfmate.products p CROSS JOIN shelfmate.embedding_spaces s
     WHERE p.id = ANY (product_ids) AND s.state <> 'retired'
     ORDER BY p.id, s.id
    ON CONFLICT (product_id, space_id) DO UPDATE
       SET state = 'queued', priority = least(j.priority, excluded.priority), available_at = now(), queued_at = now(),
           attempts = 0, losses = 0, lease_token = NULL, leased_until = NULL, worker = NULL, last_error = NULL
     WHERE j.state <> 'queued' OR j.attempts > 0 OR j.losses > 0 OR j.priority > excluded.priority;
    PERFORM pg_notify('shelfmate_jobs', '');
END $$;

CREATE FUNCTION queue_inserted_products() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM inserted) THEN
        PERFORM shelfmate.queue_embeddings(ARRAY(SELECT i.id FROM inserted i));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER queue_inserted AFTER INSERT ON products REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION queue_inserted_products();

CREATE FUNCTION queue_edited_product() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM shelfmate.queue_embeddings(ARRAY[NEW.id]);
    RETURN NULL;
END $$;
-- By row and with a condition, so that a price update of the whole catalogue costs nothing.
CREATE TRIGGER queue_edited AFTER UPDATE OF title, description, brand ON products FOR EACH ROW
    WHEN (OLD.title IS DISTINCT FROM NEW.title OR OLD.description IS DISTINCT FROM NEW.description
          OR OLD.brand IS DISTINCT FROM NEW.brand)
    EXECUTE FUNCTION queue_edited_product();

CREATE FUNCTION queue_imaged_products() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        changed := ARRAY(SELECT DISTINCT n.product_id FROM new_images n);
    ELSIF TG_OP = 'DELETE' THEN
        changed := ARRAY(SELECT DISTINCT o.product_id FROM old_images o);
    ELSE
        changed := ARRAY(
            SELECT coalesce(n.product_id, o.product_id)
              FROM new_images n FULL JOIN old_images o USING (product_id, position)
             WHERE n.sha256 IS DISTINCT FROM o.sha256
             GROUP BY 1);
    END IF;
    IF cardinality(changed) > 0 THEN
        PERFORM shelfmate.queue_embeddings(changed);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER queue_inserted AFTER INSERT ON product_images REFERENCING NEW TABLE AS new_images
    FOR EACH STATEMENT EXECUTE FUNCTION queue_imaged_products();
CREATE TRIGGER queue_edited AFTER UPDATE ON product_images REFERENCING OLD TABLE AS old_images NEW TABLE AS new_images
    FOR EACH STATEMENT EXECUTE FUNCTION queue_imaged_products();
CREATE TRIGGER queue_deleted AFTER DELETE ON product_images REFERENCING OLD TABLE AS old_images
    FOR EACH STATEMENT EXECUTE FUNCTION queue_imaged_products();
