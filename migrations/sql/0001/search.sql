-- Search: by words, by meaning, by both. The words are in a table of their own, since a price update would otherwise
-- rewrite them too: 3,000 took 0.50 s with the tsvector in products, 0.06 s without.

CREATE TABLE product_words (
    product_id bigint PRIMARY KEY REFERENCES products (id) ON DELETE CASCADE,
    words      tsvector NOT NULL
);
-- A long pending list makes every search read it.
CREATE INDEX product_words_words_idx ON product_words USING gin (words) WITH (gin_pending_list_limit = 512);

-- A slash joins words in titles and categories; Postgres would read what it joins as the path of a file.
-- Cut, because a tsvector holds at most 1 MB.
CREATE FUNCTION words_of(sku text, title text, brand text, category text, description text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT setweight(to_tsvector('pg_catalog.english', translate(title, '/', ' ')), 'A')
        || setweight(to_tsvector('pg_catalog.english', translate(left(coalesce(brand, ''), 1000), '/', ' ')), 'B')
        || setweight(to_tsvector('pg_catalog.english', translate(coalesce(category, ''), '/', ' ')), 'C')
        || setweight(to_tsvector('pg_catalog.english', sku || ' ' || translate(left(description, 50000), '/', ' ')), 'D')
$$;

CREATE FUNCTION store_inserted_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO shelfmate.product_words (product_id, words)
    SELECT i.id, shelfmate.words_of(i.sku, i.title, i.brand, i.category, i.description) FROM inserted i;
    RETURN NULL;
END $$;
CREATE TRIGGER store_inserted_words AFTER INSERT ON products REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION store_inserted_words();

CREATE FUNCTION store_edited_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO shelfmate.product_words (product_id, words)
    VALUES (NEW.id, shelfmate.words_of(NEW.sku, NEW.title, NEW.brand, NEW.category, NEW.description))
    ON CONFLICT (product_id) DO UPDATE SET words = excluded.words;
    RETURN NULL;
END $$;
CREATE TRIGGER store_edited_words AFTER UPDATE OF sku, title, brand, category, description ON products FOR EACH ROW
    WHEN ((OLD.sku, OLD.title, OLD.brand, OLD.category, OLD.description)
          IS DISTINCT FROM (NEW.sku, NEW.title, NEW.brand, NEW.category, NEW.description))
    EXECUTE FUNCTION store_edited_words();

-- A dash that stands alone is punctuation ("Shirt - Blue"); websearch_to_tsquery would exclude the word behind it.
CREATE FUNCTION read_words(text text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT websearch_to_tsquery('pg_catalog.english', regexp_replace(translate(text, '/', ' '), '(^|\s)-+(?=\s|$)', '\1', 'g'))
$$;

-- The query as Postgres writes it is alternatives joined by |, in which ! marks a lexeme or a phrase in parentheses.
CREATE FUNCTION excluded_words(words tsquery) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT nullif(string_agg(coalesce('( ' || negated.joined || ' )', ''), ' & ' ORDER BY a.position), '')::tsquery
      FROM regexp_split_to_table(replace(words::text, '!!', ''), ' \| ') WITH ORDINALITY a (alternative, position)
      LEFT JOIN LATERAL (SELECT string_agg(m[1], ' | ') AS joined
                   FROM regexp_matches(a.alternative, $re$!(\( .*? \)|'(?:[^']|'')+')$re$, 'g') m) negated ON true
    -- An alternative that excludes nothing lets everything in.
    HAVING bool_and(negated.joined IS NOT NULL)
$$;

CREATE TYPE found_product AS (
    "position" integer, sku text, title text, score double precision, contributions jsonb, examples jsonb,
    product_id bigint, brand text, category text, price numeric, currency text, in_stock boolean, variant_group text,
    variants text[], source text, space text, mode text, lexical_rank bigint, vector_rank bigint
);

CREATE FUNCTION check_search_text(text text) RETURNS void LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF length(text) > 1000 THEN
        RAISE EXCEPTION 'the text has % characters; give at most 1000', length(text) USING ERRCODE = 'SM005', COLUMN = 'text';
    ELSIF text ~ '^\s*$' THEN
        RAISE EXCEPTION 'the text is blank: give words, or leave it out' USING ERRCODE = 'SM005', COLUMN = 'text';
    END IF;
END $$;

CREATE FUNCTION check_search(query jsonb) RETURNS void LANGUAGE plpgsql STABLE AS $$
DECLARE
    known CONSTANT jsonb := '{"text": "string", "vector": "object", "weights": "object", "k": "number", "filter": "object",
        "exact": "boolean", "space": "string", "rrf_k": "number", "mode": "string", "as_of": "string"}';
    member record;
BEGIN
    IF query IS NULL OR jsonb_typeof(query) <> 'object' THEN
        RAISE EXCEPTION 'the query must be an object' USING ERRCODE = 'SM005', COLUMN = 'query';
    END IF;
    FOR member IN SELECT * FROM jsonb_each(query) LOOP
        IF NOT known ? member.key THEN
            RAISE EXCEPTION '% is unknown; known are %', member.key, (SELECT string_agg(name, ', ') FROM jsonb_object_keys(known) name)
                USING ERRCODE = 'SM005', COLUMN = member.key;
        ELSIF jsonb_typeof(member.value) NOT IN (known ->> member.key, 'null') THEN
            RAISE EXCEPTION '% must be of the type %', member.key, known ->> member.key USING ERRCODE = 'SM005', COLUMN = member.key;
        END IF;
    END LOOP;
    IF (query ->> 'k')::numeric <> trunc((query ->> 'k')::numeric) OR (query ->> 'k')::numeric NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION 'k is %, but must be a whole number from 1 to 1000', query ->> 'k' USING ERRCODE = 'SM005', COLUMN = 'k';
    ELSIF (query ->> 'rrf_k')::numeric NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION 'rrf_k is %, but must lie between 1 and 10000', query ->> 'rrf_k' USING ERRCODE = 'SM005', COLUMN = 'rrf_k';
    ELSIF query ->> 'mode' NOT IN ('hybrid', 'lexical', 'vector') THEN
        RAISE EXCEPTION 'mode is %, but must be hybrid, lexical or vector', query ->> 'mode' USING ERRCODE = 'SM005', COLUMN = 'mode';
    END IF;
    PERFORM shelfmate.check_search_text(query ->> 'text');
END $$;

CREATE FUNCTION read_vector(vector jsonb, modality text, dimensions integer) RETURNS halfvec LANGUAGE plpgsql STABLE
    SET search_path FROM CURRENT AS $$
DECLARE
    given jsonb := nullif(vector -> modality, 'null');
BEGIN
    IF given IS NULL THEN
        RETURN NULL;
    ELSIF dimensions = 0 THEN
        RAISE EXCEPTION 'the space has no %', modality USING ERRCODE = 'SM005', COLUMN = 'vector.' || modality;
    ELSIF jsonb_typeof(given) <> 'array' OR jsonb_array_length(given) <> dimensions
          OR jsonb_path_exists(given, '$[*] ? (@.type() != "number" || @ > 1e30 || @ < -1e30)') THEN
        RAISE EXCEPTION 'must be % numbers, none beyond 1e30', dimensions USING ERRCODE = 'SM005', COLUMN = 'vector.' || modality;
    END IF;
    -- Weights have their meaning between unit vectors.
    RETURN l2_normalize(given::text::vector)::halfvec;
END $$;

CREATE FUNCTION fuse_search(space embedding_spaces, vector jsonb, weights jsonb) RETURNS halfvec LANGUAGE plpgsql STABLE
    SET search_path FROM CURRENT AS $$
DECLARE
    unit_text halfvec := shelfmate.read_vector(vector, 'text', space.text_dimensions);
    unit_image halfvec := shelfmate.read_vector(vector, 'image', space.image_dimensions);
    w_text double precision := CASE WHEN unit_text IS NOT NULL THEN space.text_weight END;
    w_image double precision := CASE WHEN unit_image IS NOT NULL THEN space.image_weight END;
    wrong text;
BEGIN
    SELECT min(name) INTO wrong FROM jsonb_object_keys(vector) name WHERE name NOT IN ('text', 'image');
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION '% is unknown; known are text, image', wrong USING ERRCODE = 'SM005', COLUMN = 'vector.' || wrong;
    END IF;
    IF jsonb_typeof(weights) = 'object' THEN
        SELECT min(name) INTO wrong FROM jsonb_each(weights) m (name, value)
         WHERE NOT CASE WHEN name NOT IN ('text', 'image') THEN false
                        WHEN jsonb_typeof(value) = 'number' THEN (weights ->> name)::numeric BETWEEN 0 AND 1000
                        ELSE jsonb_typeof(value) = 'null' END;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION 'weights are of text and image, from 0 to 1000' USING ERRCODE = 'SM005', COLUMN = 'weights.' || wrong;
        END IF;
        w_text := (weights ->> 'text')::double precision;
        w_image := (weights ->> 'image')::double precision;
        wrong := CASE WHEN w_text > 0 AND unit_text IS NULL THEN 'text' WHEN w_image > 0 AND unit_image IS NULL THEN 'image' END;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION 'a weight is given for %, but no %', wrong, wrong USING ERRCODE = 'SM005', COLUMN = 'weights.' || wrong;
        END IF;
    END IF;
    -- Halves have little room below 1; the order does not change by a factor.
    RETURN shelfmate.fuse_query(space, unit_text, unit_image, NULL,
        w_text / nullif(greatest(w_text, w_image), 0), w_image / nullif(greatest(w_text, w_image), 0), NULL);
END $$;

CREATE FUNCTION search_products(query jsonb) RETURNS SETOF found_product LANGUAGE plpgsql STABLE ROWS 10
    SET search_path FROM CURRENT AS $$
DECLARE
    -- The nearest by meaning that are given a rank: a product beyond has no part of it in its score.
    fewest_neighbours CONSTANT integer := 100;
    filter jsonb;
    words tsquery;
    excluded tsquery;
    has_vector boolean;
    mode text;
    space shelfmate.embedding_spaces;
    fused halfvec;
    exclude bigint[] := '{}';
    condition text;
    lexical text := 'SELECT NULL::bigint AS product_id, NULL::bigint AS rank WHERE false';
    neighbours text := 'SELECT NULL::bigint AS product_id, NULL::bigint AS rank, NULL::text AS mode WHERE false';
    k integer;
BEGIN
    PERFORM shelfmate.check_search(query);
    k := coalesce((query ->> 'k')::numeric::integer, 10);
    has_vector := EXISTS (SELECT FROM jsonb_each(nullif(query -> 'vector', 'null')) m WHERE m.value <> 'null');
    mode := coalesce(query ->> 'mode', CASE WHEN query ->> 'text' IS NULL THEN 'vector' WHEN has_vector THEN 'hybrid' ELSE 'lexical' END);
    IF mode <> 'vector' AND query ->> 'text' IS NULL THEN
        RAISE EXCEPTION 'a % search needs a text', mode USING ERRCODE = 'SM005', COLUMN = 'text';
    ELSIF mode <> 'lexical' AND NOT has_vector THEN
        RAISE EXCEPTION '%', CASE WHEN query ->> 'text' IS NULL THEN 'give a text or a vector'
                                  ELSE format('a %s search needs a vector', mode) END
            USING ERRCODE = 'SM005', COLUMN = CASE WHEN query ->> 'text' IS NULL THEN 'text' ELSE 'vector' END;
    END IF;

    IF mode = 'lexical' AND query ->> 'weights' IS NOT NULL THEN
        RAISE EXCEPTION 'weights are of vectors, and the mode is lexical' USING ERRCODE = 'SM005', COLUMN = 'weights';
    END IF;

    filter := nullif(query -> 'filter', 'null');
    condition := shelfmate.filter_condition(filter, '$2');
    IF query ->> 'as_of' IS NOT NULL THEN
        filter := jsonb_build_object('all', jsonb_build_object('field', 'created_at', 'lte', query -> 'as_of')
                                            || coalesce((SELECT jsonb_agg(part) FROM shelfmate.filter_parts(filter) part), '[]'));
        condition := shelfmate.filter_condition(filter, '$2');
    END IF;
    words := shelfmate.read_words(query ->> 'text');

    IF mode <> 'vector' AND numnode(words) > 0 THEN
        lexical := format(
            'SELECT m.product_id, row_number() OVER (ORDER BY m.rank DESC, m.product_id) AS rank
               FROM (SELECT w.product_id, ts_rank(w.words, $1, 16) AS rank FROM shelfmate.product_words w %s
                      WHERE w.words @@ $1 %s ORDER BY 2 DESC, 1 LIMIT 1000) m',
            CASE WHEN condition IS NOT NULL THEN 'JOIN shelfmate.products p ON p.id = w.product_id' END,
            'AND ' || condition);
    END IF;
    IF mode <> 'lexical' THEN
        space := shelfmate.find_space(query ->> 'space');
        fused := shelfmate.fuse_search(space, query -> 'vector', query -> 'weights');
        excluded := shelfmate.excluded_words(words);
        IF excluded IS NOT NULL THEN
            exclude := ARRAY(SELECT w.product_id FROM shelfmate.product_words w WHERE w.words @@ excluded);
        END IF;
        neighbours := 'SELECT r.product_id, row_number() OVER (ORDER BY r.score DESC, r.product_id) AS rank, r.mode
                         FROM shelfmate.rank_products($3, $4, $5, $2, $6, $7) r';
    END IF;

    RETURN QUERY EXECUTE format(
        'WITH lexical AS MATERIALIZED (%1$s), neighbours AS MATERIALIZED (%2$s),
              best AS (SELECT product_id, l.rank AS lexical_rank, v.rank AS vector_rank,
                              coalesce(1 / ($8 + l.rank), 0) AS lexical, coalesce(1 / ($8 + v.rank), 0) AS vector
                         FROM lexical l FULL JOIN neighbours v USING (product_id)
                        ORDER BY coalesce(1 / ($8 + l.rank), 0) + coalesce(1 / ($8 + v.rank), 0) DESC, product_id
                        LIMIT $9)
         SELECT (row_number() OVER (ORDER BY b.lexical + b.vector DESC, b.product_id))::integer, p.sku, p.title, b.lexical + b.vector,
                jsonb_build_object(%3$s), ''[]''::jsonb, p.id, p.brand, p.category, p.price, p.currency, p.in_stock,
                p.variant_group, ''{}''::text[], ''search'', $10, coalesce((SELECT v.mode FROM neighbours v LIMIT 1), ''exact''),
                b.lexical_rank, b.vector_rank
           FROM best b JOIN shelfmate.products p ON p.id = b.product_id
          ORDER BY 1',
        lexical, neighbours,
        CASE mode WHEN 'lexical' THEN $p$'lexical', b.lexical$p$ WHEN 'vector' THEN $p$'vector', b.vector$p$
                  ELSE $p$'lexical', b.lexical, 'vector', b.vector$p$ END)
    USING words, filter, space, fused, greatest(k, fewest_neighbours), exclude, coalesce((query ->> 'exact')::boolean, false),
          coalesce((query ->> 'rrf_k')::double precision, 60), k, CASE WHEN mode <> 'lexical' THEN space.name END;
END $$;

COMMENT ON TABLE product_words IS 'The words that a product is found by, kept by triggers on products.';
COMMENT ON COLUMN product_words.product_id IS 'products.id';
COMMENT ON COLUMN product_words.words IS 'English stems: A from the title, B the brand, C the category, D the description and the sku.';
COMMENT ON TYPE found_product IS 'A found product: position from 1, score and its parts, what a shop shows of it, and its place in both lists.';
COMMENT ON FUNCTION words_of(text, text, text, text, text) IS 'The words that a product with this sku, title, brand, category and description is found by.';
COMMENT ON FUNCTION store_inserted_words() IS 'Trigger: the words of new products.';
COMMENT ON FUNCTION store_edited_words() IS 'Trigger: the words of a product whose text changed.';
COMMENT ON FUNCTION read_words(text) IS
    'A search as people write it: all words, "a phrase", one or another, -without. Nothing but stop words gives an empty query, which nothing matches.';
COMMENT ON FUNCTION excluded_words(tsquery) IS 'What products must not contain whatever else they do; null for nothing.';
COMMENT ON FUNCTION check_search_text(text) IS 'Refuses a blank text and one of more than 1,000 characters.';
COMMENT ON FUNCTION check_search(jsonb) IS 'Refuses a query of search_products with an unknown member, or one of a type or size that does not fit.';
COMMENT ON FUNCTION read_vector(jsonb, text, integer) IS 'A modality''s vector in a query, made a unit vector; null without one.';
COMMENT ON FUNCTION fuse_search(embedding_spaces, jsonb, jsonb) IS 'The query vector of a search from its vectors and weights.';
COMMENT ON FUNCTION search_products(jsonb) IS
    'The k best for words, meaning or both, by reciprocal rank fusion. Members: text, vector {text, image}, weights {text, image}, k, filter, mode hybrid|lexical|vector, exact, space, rrf_k, as_of.';
