-- Facets: how many products each value of a field has, among those that a filter leaves, in one pass over them.

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

COMMENT ON FUNCTION filter_parts(jsonb) IS 'The conditions that a filter consists of.';
COMMENT ON FUNCTION filtered_category(jsonb) IS 'The one category that a filter asks for, or null.';
COMMENT ON FUNCTION price_ranges(numeric[], bigint[]) IS 'Up to five ranges between round prices, and how many products each has, from distinct prices and how many have each.';
COMMENT ON FUNCTION facet_key(text) IS 'SQL text of what products are grouped by for a facet; null for an unknown one.';
COMMENT ON FUNCTION facet_values(text) IS 'SQL text of a facet''s values from groups of products.';
COMMENT ON FUNCTION facet_statement(text[], text, text, text[], text[]) IS 'SQL text that counts all facets in one pass.';
COMMENT ON FUNCTION facet_counts(jsonb, text[], text, integer) IS
    'How many products each value of a facet has, under the filter without its conditions on that facet, and among those that the words match where a text is given. total counts the products under the whole filter.';
