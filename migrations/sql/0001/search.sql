-- Search: by words, by meaning, by both; and facets. In a table of its own, since a price update would otherwise
-- rewrite the words too: 3,000 took 0.50 s with the tsvector in products, 0.06 s without.

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

-- The conditions that a filter consists of: those of its outermost all, or itself.
CREATE FUNCTION filter_parts(filter jsonb) RETURNS SETOF jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_array_elements(CASE WHEN jsonb_typeof(filter -> 'all') = 'array' THEN filter -> 'all'
                                     WHEN filter IS NULL OR filter = 'null' THEN '[]' ELSE jsonb_build_array(filter) END)
$$;

-- The one category that a filter asks for: its children are what it can be narrowed to. NULL: none, or several.
CREATE FUNCTION filtered_category(filter jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN count(*) = 1 THEN min(path) END
      FROM shelfmate.filter_parts(filter) node,
           LATERAL (SELECT jsonb_path_query(node, '$.under[*]') UNION ALL SELECT jsonb_path_query(node, '$.eq')
                    UNION ALL SELECT jsonb_path_query(node, '$.in[*]')) given (value),
           LATERAL (SELECT given.value #>> '{}') paths (path)
     WHERE node ->> 'field' = 'category'
$$;

-- Five ranges with about as many products each, between round prices. Steps are 1, 2 or 5 times a power of ten.
CREATE FUNCTION price_ranges(prices numeric[], counts bigint[]) RETURNS TABLE (value jsonb, count bigint)
    LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    fifths numeric[];
    lowest numeric;
    highest numeric;
    spread numeric;
    step numeric;
    bounds numeric[];
BEGIN
    SELECT array_remove(ARRAY[min(d.price) FILTER (WHERE d.below * 5 >= d.whole), min(d.price) FILTER (WHERE d.below * 5 >= d.whole * 2),
                              min(d.price) FILTER (WHERE d.below * 5 >= d.whole * 3), min(d.price) FILTER (WHERE d.below * 5 >= d.whole * 4)], NULL),
           min(d.price), max(d.price)
      INTO fifths, lowest, highest
      FROM (SELECT u.price, sum(u.n::integer) OVER (ORDER BY u.price ROWS UNBOUNDED PRECEDING) AS below, w.whole
              FROM unnest(prices, counts) u (price, n), (SELECT sum(n)::bigint AS whole FROM unnest(counts) n) w) d;
    IF lowest IS NULL THEN
        RETURN;
    END IF;
    spread := greatest(fifths[4] - fifths[1], 0.03);
    step := power(10::numeric, floor(log(spread / 3)));
    step := step * CASE WHEN spread / 3 >= 5 * step THEN 5 WHEN spread / 3 >= 2 * step THEN 2 ELSE 1 END;
    bounds := ARRAY(SELECT DISTINCT b.bound FROM unnest(fifths) f, LATERAL (SELECT trim_scale(round(f / step) * step)) b (bound)
                     WHERE b.bound > lowest AND b.bound <= highest ORDER BY b.bound);
    IF bounds = '{}' THEN
        RETURN QUERY SELECT jsonb_build_object('gte', trim_scale(lowest), 'lte', trim_scale(highest)), (SELECT sum(n)::bigint FROM unnest(counts) n);
        RETURN;
    END IF;
    RETURN QUERY
        SELECT jsonb_strip_nulls(jsonb_build_object('gte', bounds[b.bucket], 'lt', bounds[b.bucket + 1])), b.n
          FROM (SELECT width_bucket(u.price, bounds) AS bucket, sum(u.n::integer) AS n FROM unnest(prices, counts) u (price, n) GROUP BY 1) b
         ORDER BY b.bucket;
END $$;

-- What products are grouped by in the one pass over them, for a facet. NULL: the field has no facet.
CREATE FUNCTION facet_key(field text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN field IN ('category', 'brand', 'in_stock', 'price') THEN 'p.' || field
                WHEN field = 'rating' THEN 'floor(p.rating)::integer'
                WHEN field ~ '^attributes\..' THEN format('p.attributes -> %L', substr(field, 12)) END
$$;

-- What becomes of the groups (key, n): values in the order in which they are shown. $3 is the category whose children
-- are counted, $4 how many values there are at most.
CREATE FUNCTION facet_values(field text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN field = 'category' THEN
            $q$SELECT to_jsonb(child), sum(n)::bigint
                 FROM (SELECT CASE WHEN $3 IS NULL THEN split_part(key, '/', 1)
                                   WHEN starts_with(key, $3 || '/') THEN $3 || '/' || split_part(substr(key, length($3) + 2), '/', 1)
                              END, n FROM groups) c (child, n)
                WHERE child IS NOT NULL GROUP BY child ORDER BY sum(n) DESC, child COLLATE "C" LIMIT $4$q$
        WHEN field = 'brand' THEN
            'SELECT to_jsonb(key), n FROM groups ORDER BY n DESC, key COLLATE "C" LIMIT $4'
        WHEN field = 'in_stock' THEN
            'SELECT to_jsonb(key), n FROM groups ORDER BY key DESC'
        WHEN field = 'price' THEN
            'SELECT r.value, r.count FROM (SELECT array_agg(key) AS prices, array_agg(n) AS counts FROM groups) d,
                    shelfmate.price_ranges(d.prices, d.counts) r'
        WHEN field = 'rating' THEN
            $q$SELECT jsonb_build_object('gte', stars), sum(n)::bigint
                 FROM generate_series(1, 4) stars JOIN groups ON key >= stars GROUP BY stars ORDER BY stars DESC$q$
        ELSE
            $q$SELECT element, sum(n)::bigint
                 FROM groups, LATERAL (SELECT DISTINCT e FROM jsonb_array_elements(
                          CASE jsonb_typeof(key) WHEN 'array' THEN key ELSE jsonb_build_array(key) END) e) a (element)
                WHERE jsonb_typeof(element) IN ('string', 'number', 'boolean')
                GROUP BY element ORDER BY sum(n) DESC, element LIMIT $4$q$
        END
$$;

-- One pass over the products of source for all facets. conditions are of one field each: a product counts for a facet
-- when it satisfies those of the other fields, so that the facet shows what else could be chosen in its place.
CREATE FUNCTION facet_statement(fields text[], source text, shared text, conditioned text[], conditions text[]) RETURNS text
    LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    keyed text[] := array_remove(fields, 'total');
    -- GROUPING sets a bit for each key that a group is not of, the first key's highest.
    ungrouped integer := (1 << cardinality(keyed)) - 1;
    highest integer := 1 << cardinality(keyed) - 1;
    columns text := '';
    enough text[] := '{}';
    counts text := 'count(*) AS n0';
    parts text[] := '{}';
    others text;
BEGIN
    FOR i IN 1..cardinality(conditions) LOOP
        columns := columns || format(', %s AS c%s', conditions[i], i);
        enough := enough || coalesce((SELECT string_agg(conditions[j], ' AND ') FROM generate_subscripts(conditions, 1) j WHERE j <> i), 'true');
    END LOOP;
    IF conditions <> '{}' THEN
        -- n0 counts what satisfies all conditions, ni what satisfies all but those of the i-th field.
        SELECT string_agg(format('count(*) FILTER (WHERE %s) AS n%s', coalesce(
                   (SELECT string_agg('c' || j, ' AND ') FROM generate_subscripts(conditions, 1) j WHERE j <> i), 'true'), i), ', ')
          INTO counts FROM generate_series(0, cardinality(conditions)) i;
    END IF;
    FOR i IN 1..cardinality(keyed) LOOP
        columns := columns || format(', %s AS k%s', shelfmate.facet_key(keyed[i]), i);
    END LOOP;
    FOR i IN 1..cardinality(fields) LOOP
        IF fields[i] = 'total' THEN
            -- The groups of one key, null among them, are all there are.
            parts := parts || format('SELECT ''total'', NULL::jsonb, coalesce(sum(n0), 0)::bigint, %s, 0::bigint FROM counted WHERE level = %s',
                                     i, CASE WHEN keyed = '{}' THEN 0 ELSE ungrouped - highest END);
        ELSE
            others := 'n' || coalesce(array_position(conditioned, fields[i]), 0);
            parts := parts || format(
                'SELECT %L, v.value, v.n, %s, row_number() OVER ()
                   FROM (WITH groups AS (SELECT k%3$s AS key, %4$s AS n FROM counted WHERE level = %5$s AND k%3$s IS NOT NULL AND %4$s > 0)
                         %6$s) v (value, n)',
                fields[i], i, array_position(keyed, fields[i]), others, ungrouped - (highest >> array_position(keyed, fields[i]) - 1),
                shelfmate.facet_values(fields[i]));
        END IF;
    END LOOP;
    IF parts = '{}' THEN
        RETURN 'SELECT NULL::text, NULL::jsonb, NULL::bigint WHERE false';
    END IF;
    RETURN format(
        'WITH matching AS (SELECT p.id %s FROM %s WHERE %s AND ((%s))),
              counted AS MATERIALIZED (SELECT %s AS level, %s FROM matching GROUP BY GROUPING SETS (%s))
         SELECT facet.field, facet.value, facet.n FROM (%s) facet (field, value, n, part, place) ORDER BY facet.part, facet.place',
        columns, source, shared, coalesce(nullif(array_to_string(enough, ') OR ('), ''), 'true'),
        CASE WHEN keyed = '{}' THEN '0' ELSE (SELECT format('GROUPING(%s)', string_agg('k' || i, ', ')) FROM generate_subscripts(keyed, 1) i) END,
        concat_ws(', ', (SELECT string_agg('k' || i, ', ') FROM generate_subscripts(keyed, 1) i), counts),
        coalesce((SELECT string_agg(format('(k%s)', i), ', ') FROM generate_subscripts(keyed, 1) i), '()'),
        array_to_string(parts, ' UNION ALL '));
END $$;

CREATE FUNCTION facet_counts(
    filter jsonb DEFAULT NULL, fields text[] DEFAULT '{total,category,brand,in_stock,price,rating}', text text DEFAULT NULL,
    top integer DEFAULT 20
) RETURNS TABLE (field text, value jsonb, count bigint) LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
    conditioned text[];
    nodes jsonb;
    wrong integer;
BEGIN
    SELECT min(i) INTO wrong FROM unnest(fields) WITH ORDINALITY u (f, i)
     WHERE (f <> 'total' AND shelfmate.facet_key(f) IS NULL) IS NOT FALSE OR array_position(fields, f) < i OR i > 20;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION '% is no facet, or is asked for twice; facets are total, category, brand, in_stock, price, rating and attributes.NAME, at most 20',
            coalesce(fields[wrong], 'null') USING ERRCODE = 'SM005', COLUMN = format('facets[%s]', wrong - 1);
    ELSIF (top BETWEEN 1 AND 1000) IS NOT TRUE THEN
        RAISE EXCEPTION 'top is %, but must lie between 1 and 1000', coalesce(top::text, 'null') USING ERRCODE = 'SM005', COLUMN = 'top';
    END IF;
    PERFORM shelfmate.check_search_text(facet_counts.text);
    -- All of the filter first: an error names the path in what was given.
    PERFORM shelfmate.filter_condition(filter, '$2');
    conditioned := ARRAY(SELECT DISTINCT part ->> 'field' FROM shelfmate.filter_parts(filter) part WHERE part ->> 'field' = ANY (fields));
    -- The first node is what no facet leaves out, the others are the conditions of one field each.
    nodes := jsonb_build_array(CASE WHEN conditioned = '{}' AND filter <> 'null' THEN filter ELSE jsonb_build_object('all',
                 coalesce((SELECT jsonb_agg(part) FROM shelfmate.filter_parts(filter) part
                            WHERE (part ->> 'field' = ANY (conditioned)) IS NOT TRUE), '[]')) END)
          || coalesce((SELECT jsonb_agg(jsonb_build_object('all', (SELECT jsonb_agg(part) FROM shelfmate.filter_parts(filter) part
                                                                    WHERE part ->> 'field' = f)) ORDER BY i)
                         FROM unnest(conditioned) WITH ORDINALITY u (f, i)), '[]');
    RETURN QUERY EXECUTE shelfmate.facet_statement(
        fields,
        'shelfmate.products p' || CASE WHEN facet_counts.text IS NULL THEN ''
                                       ELSE ' JOIN shelfmate.product_words w ON w.product_id = p.id AND w.words @@ $1' END,
        shelfmate.filter_condition(nodes -> 0, '$2 -> 0'), conditioned,
        ARRAY(SELECT shelfmate.filter_condition(nodes -> i, format('$2 -> %s', i)) FROM generate_series(1, cardinality(conditioned)) i))
    USING shelfmate.read_words(facet_counts.text), nodes, shelfmate.filtered_category(filter), top;
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
COMMENT ON FUNCTION filter_parts(jsonb) IS 'The conditions that a filter consists of.';
COMMENT ON FUNCTION filtered_category(jsonb) IS 'The one category that a filter asks for, or null.';
COMMENT ON FUNCTION price_ranges(numeric[], bigint[]) IS 'Up to five ranges between round prices, and how many products each has, from distinct prices and how many have each.';
COMMENT ON FUNCTION facet_key(text) IS 'SQL text of what products are grouped by for a facet; null for an unknown one.';
COMMENT ON FUNCTION facet_values(text) IS 'SQL text of a facet''s values from groups of products.';
COMMENT ON FUNCTION facet_statement(text[], text, text, text[], text[]) IS 'SQL text that counts all facets in one pass.';
COMMENT ON FUNCTION facet_counts(jsonb, text[], text, integer) IS
    'How many products each value of a facet has, under the filter without its conditions on that facet, and among those that the words match where a text is given. total counts the products under the whole filter.';
