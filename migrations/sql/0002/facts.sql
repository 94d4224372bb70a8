-- An edit of an attribute, or of the price, is an edit of the texts of those spaces that encode it.

CREATE FUNCTION queue_edited_facts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM shelfmate.embedding_spaces s, unnest(s.text_inputs) i (input),
                           string_to_table(split_part(i.input, ':', 1), '+') f (field)
                WHERE s.state <> 'retired'
                  AND CASE WHEN f.field = 'price' THEN OLD.price IS DISTINCT FROM NEW.price
                           WHEN starts_with(f.field, 'attributes.')
                           THEN OLD.attributes -> substr(f.field, 12) IS DISTINCT FROM NEW.attributes -> substr(f.field, 12) END) THEN
        PERFORM shelfmate.queue_embeddings(ARRAY[NEW.id]);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER queue_edited_facts AFTER UPDATE OF attributes, price ON products FOR EACH ROW
    WHEN (OLD.attributes IS DISTINCT FROM NEW.attributes OR OLD.price IS DISTINCT FROM NEW.price)
    EXECUTE FUNCTION queue_edited_facts();

COMMENT ON FUNCTION queue_edited_facts() IS 'Trigger: queues a product whose price or attributes changed, where a space encodes what changed.';
