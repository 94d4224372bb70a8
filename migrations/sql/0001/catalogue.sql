-- Error codes raised below, one for each way a question can be wrong (backend/database/problems.py translates them):
--   SM001 no such product   SM002 embedding pending   SM003 embedding failed   SM004 no such category
--   SM005 bad argument      SM006 no such space       SM007 no active space
--   SM008 frozen result expired

CREATE FUNCTION ensure_category(path text) RETURNS text LANGUAGE sql VOLATILE
BEGIN ATOMIC
    INSERT INTO shelfmate.categories (path) VALUES (ensure_category.path) ON CONFLICT DO NOTHING;
    SELECT ensure_category.path;
END;

CREATE FUNCTION create_parent_category() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    above text := nullif(regexp_replace(NEW.path, '/?[^/]*$', ''), '');
BEGIN
    IF above IS NOT NULL AND NOT EXISTS (SELECT FROM shelfmate.categories c WHERE c.path = above) THEN
        INSERT INTO shelfmate.categories (path) VALUES (above) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER create_parent BEFORE INSERT ON categories FOR EACH ROW EXECUTE FUNCTION create_parent_category();

-- A product may name a category that does not exist yet: whoever inserts by SQL need not know the tree.
CREATE FUNCTION create_product_category() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM shelfmate.categories c WHERE c.path = NEW.category) THEN
        INSERT INTO shelfmate.categories (path) VALUES (NEW.category) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER create_category BEFORE INSERT OR UPDATE OF category ON products
    FOR EACH ROW WHEN (NEW.category IS NOT NULL) EXECUTE FUNCTION create_product_category();

CREATE FUNCTION rename_category(path text, new_path text) RETURNS bigint LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    renamed bigint;
    above text := nullif(regexp_replace(new_path, '/?[^/]*$', ''), '');
BEGIN
    IF new_path = rename_category.path OR starts_with(new_path, rename_category.path || '/') THEN
        RAISE EXCEPTION 'category % cannot be moved to %, which is itself or inside it', rename_category.path, new_path
            USING ERRCODE = 'SM005', COLUMN = 'new_path';
    END IF;
    IF above IS NOT NULL THEN
        PERFORM shelfmate.ensure_category(above);
    END IF;
    UPDATE shelfmate.categories c SET path = new_path || substr(c.path, length(rename_category.path) + 1)
     WHERE c.path = rename_category.path OR starts_with(c.path, rename_category.path || '/');
    GET DIAGNOSTICS renamed = ROW_COUNT;
    IF renamed = 0 THEN
        RAISE EXCEPTION 'no category %', rename_category.path USING ERRCODE = 'SM004', COLUMN = 'category';
    END IF;
    RETURN renamed;
END $$;

CREATE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END $$;
CREATE TRIGGER set_updated_at BEFORE UPDATE ON products
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION set_updated_at();
