-- An edit of an attribute is an edit of the texts of those spaces that encode it.

CREATE FUNCTION queue_edited_attributes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM shelfmate.embedding_spaces s, unnest(s.text_inputs) i (input),
                           regexp_matches(i.input, 'attributes\.([^+:]+)', 'g') n (names)
                WHERE s.state <> 'retired' AND OLD.attributes -> n.names[1] IS DISTINCT FROM NEW.attributes -> n.names[1]) THEN
        PERFORM shelfmate.queue_embeddings(ARRAY[NEW.id]);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER queue_edited_attributes AFTER UPDATE OF attributes ON products FOR EACH ROW
    WHEN (OLD.attributes IS DISTINCT FROM NEW.attributes)
    EXECUTE FUNCTION queue_edited_attributes();

COMMENT ON FUNCTION queue_edited_attributes() IS 'Trigger: queues a product whose attributes changed, where a space encodes one of them.';
