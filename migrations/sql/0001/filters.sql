-- Filters: a JSON tree becomes one boolean expression over products p, which reads its values from a query parameter.
-- Only words and integers of this file are ever spliced into it. docs/filters.md describes the language.

CREATE FUNCTION category_subtree(path text) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    -- '0' follows '/' in the collation "C": what lies between the two begins with path and a slash.
    subtree text[] := ARRAY(SELECT c.path FROM shelfmate.categories c
                             WHERE c.path = category_subtree.path
                                OR (c.path > category_subtree.path || '/' AND c.path < category_subtree.path || '0')
                             ORDER BY c.path);
BEGIN
    IF subtree = '{}' THEN
        RAISE EXCEPTION 'no category %', coalesce(category_subtree.path, 'null')
            USING ERRCODE = 'SM004', COLUMN = 'category';
    END IF;
    RETURN subtree;
END $$;

-- A filter's values as the types of columns. All are immutable, so that the planner sees constants: where a cast is
-- only stable, filter_condition lets no value through that a session's settings could change.

CREATE FUNCTION nearest_real(value numeric) RETURNS real LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    -- The cast itself refuses what a real has no room for.
    RETURN CASE WHEN abs(value) > 1e37 THEN sign(value)::real * 'Infinity'::real
                WHEN abs(value) < 1e-37 THEN 0 ELSE value::real END;

CREATE FUNCTION json_texts(list jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ARRAY(SELECT jsonb_array_elements_text(list));

CREATE FUNCTION json_numbers(list jsonb) RETURNS numeric[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ARRAY(SELECT e::numeric FROM jsonb_array_elements(list) e);

CREATE FUNCTION json_reals(list jsonb) RETURNS real[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ARRAY(SELECT shelfmate.nearest_real(e::numeric) FROM jsonb_array_elements(list) e);

CREATE FUNCTION json_elements(list jsonb) RETURNS jsonb[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ARRAY(SELECT jsonb_array_elements(list));

CREATE FUNCTION attribute_objects(name text, list jsonb) RETURNS jsonb[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ARRAY(SELECT jsonb_set('{}', ARRAY[name], e) FROM jsonb_array_elements(list) e);

CREATE FUNCTION rfc3339(moment text) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN moment::timestamptz;
END $$;

CREATE FUNCTION is_rfc3339(moment text) RETURNS boolean LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
    IF moment !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})$' THEN
        RETURN false;
    END IF;
    RETURN shelfmate.rfc3339(moment) IS NOT NULL;
EXCEPTION WHEN data_exception THEN
    -- 30 February, or a zone that does not exist.
    RETURN false;
END $$;

-- What is wrong with a filter, as an error that names the place.

CREATE FUNCTION refuse_filter(path text, reason text) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
    RAISE EXCEPTION '% %', path, reason USING ERRCODE = 'SM005', COLUMN = path;
END $$;

CREATE FUNCTION describe_json(value jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE jsonb_typeof(value)
                WHEN 'array' THEN 'an array' WHEN 'object' THEN 'an object' WHEN 'null' THEN 'null'
                WHEN 'boolean' THEN value::text
                ELSE 'the ' || jsonb_typeof(value) || ' ' || left(value::text, 60)
                     || CASE WHEN length(value::text) > 60 THEN '...' ELSE '' END END;

-- Which operators a field takes; null for a field that does not exist.
CREATE FUNCTION filter_operators(field text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN field IN ('brand', 'sku', 'title', 'variant_group', 'currency') THEN '{eq,in,contains,exists}'::text[]
                WHEN field = 'category' THEN '{eq,in,under,exists}'
                WHEN field IN ('price', 'rating', 'review_count') THEN '{eq,in,gte,gt,lte,lt,exists}'
                WHEN field = 'in_stock' THEN '{eq,exists}'
                WHEN field IN ('created_at', 'updated_at') THEN '{eq,gte,gt,lte,lt,exists}'
                WHEN starts_with(field, 'attributes.') AND field <> 'attributes.'
                THEN '{eq,in,gte,gt,lte,lt,contains,exists}' END;

-- Refuses a value that the operator cannot take for the field.
CREATE FUNCTION check_filter_value(field text, operator text, value jsonb, path text) RETURNS void
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    kind text := jsonb_typeof(value);
    wanted text;
    types text[] := CASE WHEN starts_with(field, 'attributes.') THEN '{string,number,boolean}'::text[]
                         WHEN field IN ('price', 'rating', 'review_count') THEN '{number}'
                         WHEN field = 'in_stock' THEN '{boolean}' ELSE '{string}' END;
BEGIN
    IF operator = 'exists' THEN
        IF kind <> 'boolean' THEN
            PERFORM shelfmate.refuse_filter(path, 'must be true or false, not ' || shelfmate.describe_json(value));
        END IF;
        RETURN;
    END IF;
    IF operator IN ('in', 'under') AND kind = 'array' THEN
        -- One look over all of them; who is at fault is only looked for when one is.
        IF (CASE WHEN cardinality(types) = 1
                 THEN jsonb_path_exists(value, 'strict $[*] ? (@.type() != $type)', jsonb_build_object('type', types[1]))
                 ELSE jsonb_path_exists(value, 'strict $[*] ? (!(@.type() == "string" || @.type() == "number" || @.type() == "boolean"))')
            END) THEN
            FOR at IN 0 .. jsonb_array_length(value) - 1 LOOP
                PERFORM shelfmate.check_filter_value(field, 'element', value -> at, format('%s[%s]', path, at));
            END LOOP;
        END IF;
        RETURN;
    ELSIF operator = 'in' THEN
        PERFORM shelfmate.refuse_filter(path, 'must be an array of values, not ' || shelfmate.describe_json(value));
    END IF;
    IF operator IN ('gte', 'gt', 'lte', 'lt') AND cardinality(types) > 1 THEN
        IF kind = 'number' OR (kind = 'string' AND value #>> '{}' ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'
                               AND shelfmate.is_rfc3339((value #>> '{}') || 'T00:00:00Z')) THEN
            RETURN;
        END IF;
        wanted := 'a number such as 10 or a date such as "2025-01-31"';
    ELSIF NOT kind = ANY (types) THEN
        wanted := CASE WHEN cardinality(types) > 1 THEN 'a string, a number, true or false'
                       WHEN field IN ('created_at', 'updated_at') THEN 'a time such as "2025-01-31T00:00:00Z"'
                       WHEN field = 'in_stock' THEN 'true or false'
                       WHEN types = '{number}' THEN 'a number such as 10'
                       WHEN operator = 'under' THEN 'the path of a category such as "Apparel/Shoes", or an array of them'
                       ELSE 'a string' END
                  || CASE WHEN kind = 'null' THEN ' ({"exists": false} asks whether it is missing)'
                          WHEN kind = 'array' AND operator = 'eq' AND cardinality(types) > 1
                          THEN ' (in takes an array, contains looks into one)'
                          WHEN kind = 'array' AND operator = 'eq' AND field <> 'in_stock' AND field !~ '_at$' THEN ' (in takes an array)'
                          ELSE '' END;
    ELSIF field IN ('created_at', 'updated_at') AND NOT shelfmate.is_rfc3339(value #>> '{}') THEN
        wanted := 'a time with its zone such as "2025-01-31T00:00:00Z" or "2025-01-31T09:30:00+02:00"';
    ELSIF operator = 'contains' AND value = '""' THEN
        wanted := 'a string that is not empty ({"exists": true} asks whether there is any)';
    END IF;
    IF wanted IS NOT NULL THEN
        PERFORM shelfmate.refuse_filter(path, format('must be %s, not %s', wanted, shelfmate.describe_json(value)));
    END IF;
END $$;

-- One operator of a leaf as SQL; place is the leaf's own in the parameter, such as 'all,0,'.
CREATE FUNCTION filter_test(
    field text, operator text, value jsonb, parameter text, place text, path text, check_categories boolean
) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    sign text := CASE operator WHEN 'eq' THEN '=' WHEN 'gte' THEN '>=' WHEN 'gt' THEN '>'
                               WHEN 'lte' THEN '<=' WHEN 'lt' THEN '<' END;
    given text := format('(%s #>> ''{%s%s}'')', parameter, place, operator);
    given_json text := format('(%s #> ''{%s%s}'')', parameter, place, operator);
    subtrees text[] := '{}';
    missing text;
BEGIN
    IF operator = 'in' AND value = '[]' THEN
        RETURN 'false';
    END IF;
    IF starts_with(field, 'attributes.') THEN
        RETURN shelfmate.filter_attribute_test(
            operator, sign, value, given, given_json, format('substr(%s #>> ''{%sfield}'', 12)', parameter, place));
    END IF;
    IF operator = 'exists' THEN
        RETURN format('p.%I %s', field, CASE WHEN value = 'true' THEN 'IS NOT NULL' ELSE 'IS NULL' END);
    ELSIF operator = 'under' THEN
        FOR at IN 0 .. CASE WHEN jsonb_typeof(value) = 'array' THEN jsonb_array_length(value) ELSE 1 END - 1 LOOP
            IF jsonb_typeof(value) = 'array' THEN
                given := format('(%s #>> ''{%sunder,%s}'')', parameter, place, at);
            END IF;
            -- One range of an index, and out of it the siblings that sort between the path and its first child.
            subtrees := subtrees || format('(p.category >= %1$s AND p.category < %1$s || ''0'''
                                           ' AND (p.category = %1$s OR p.category > %1$s || ''/''))', given);
        END LOOP;
        IF check_categories THEN
            SELECT c INTO missing FROM jsonb_path_query(value, 'lax $[*]') e, LATERAL (SELECT e #>> '{}') u (c)
             WHERE NOT EXISTS (SELECT FROM shelfmate.categories k WHERE k.path = u.c);
            IF FOUND THEN
                RAISE EXCEPTION '% is no category: %', path, left(missing, 200) USING ERRCODE = 'SM004', COLUMN = path;
            END IF;
        END IF;
        RETURN CASE WHEN subtrees = '{}' THEN 'false' ELSE '(' || array_to_string(subtrees, ' OR ') || ')' END;
    ELSIF operator = 'contains' THEN
        RETURN format('strpos(p.%I, %s) > 0', field, given);
    ELSIF field IN ('price', 'review_count') THEN
        RETURN CASE WHEN operator = 'in' THEN format('p.%I = ANY (shelfmate.json_numbers(%s))', field, given_json)
                    ELSE format('p.%I %s %s::numeric', field, sign, given_json) END;
    ELSIF field = 'rating' THEN
        -- At the precision of what is stored, so that 4.1 equals 4.1.
        RETURN CASE WHEN operator = 'in' THEN format('p.rating = ANY (shelfmate.json_reals(%s))', given_json)
                    ELSE format('p.rating %s shelfmate.nearest_real(%s::numeric)', sign, given_json) END;
    ELSIF field = 'in_stock' THEN
        RETURN format('p.in_stock = %s::boolean', given_json);
    ELSIF field IN ('created_at', 'updated_at') THEN
        RETURN format('p.%I %s shelfmate.rfc3339(%s)', field, sign, given);
    ELSIF operator = 'in' THEN
        RETURN format('p.%I = ANY (shelfmate.json_texts(%s))', field, given_json);
    END IF;
    RETURN format('p.%I = %s', field, given);
END $$;

-- The same of an attribute, whose name is a value too; sign is the operator in SQL.
CREATE FUNCTION filter_attribute_test(operator text, sign text, value jsonb, given text, given_json text, name text)
    RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF operator = 'exists' THEN
        RETURN format('(p.attributes ->> %s) %s', name, CASE WHEN value = 'true' THEN 'IS NOT NULL' ELSE 'IS NULL' END);
    ELSIF operator = 'eq' THEN
        RETURN format('p.attributes @> jsonb_set(''{}'', ARRAY[%s], %s)', name, given_json);
    ELSIF operator = 'in' THEN
        -- The index is searched once for each value; a long list is hashed instead and compared with every row.
        RETURN CASE WHEN jsonb_array_length(value) <= 20
            THEN format('p.attributes @> ANY (shelfmate.attribute_objects(%s, %s))', name, given_json)
            ELSE format('coalesce((p.attributes -> %s) = ANY (shelfmate.json_elements(%s)), false)', name, given_json) END;
    ELSIF operator = 'contains' AND jsonb_typeof(value) = 'string' THEN
        RETURN format('(p.attributes @> jsonb_set(''{}'', ARRAY[%1$s], jsonb_set(''[null]'', ''{0}'', %2$s))
                        OR (jsonb_typeof(p.attributes -> %1$s) IS NOT DISTINCT FROM ''string'' AND strpos(p.attributes ->> %1$s, %3$s) > 0))',
                      name, given_json, given);
    ELSIF operator = 'contains' THEN
        RETURN format('p.attributes @> jsonb_set(''{}'', ARRAY[%s], jsonb_set(''[null]'', ''{0}'', %s))', name, given_json);
    ELSIF jsonb_typeof(value) = 'number' THEN
        RETURN format('(jsonb_typeof(p.attributes -> %1$s) IS NOT DISTINCT FROM ''number'' AND (p.attributes -> %1$s) %2$s %3$s)',
                      name, sign, given_json);
    END IF;
    -- Dates are written so that they sort as text.
    RETURN format('(jsonb_typeof(p.attributes -> %1$s) IS NOT DISTINCT FROM ''string''
                    AND (p.attributes ->> %1$s) ~ ''^[0-9]{4}-[0-9]{2}-[0-9]{2}$'' AND (p.attributes ->> %1$s) COLLATE "C" %2$s %3$s)',
                  name, sign, given);
END $$;

CREATE FUNCTION filter_leaf(leaf jsonb, parameter text, place text, path text, check_categories boolean) RETURNS text
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    field text := leaf ->> 'field';
    operators text[] := shelfmate.filter_operators(field);
    operator text;
    stray text;
    tests text[] := '{}';
BEGIN
    IF NOT leaf ? 'field' THEN
        PERFORM shelfmate.refuse_filter(path, 'lacks "field": a condition is {"field": "price", "lt": 50}, or {"all": [...]}, '
            || '{"any": [...]} or {"not": ...}, and here are '
            || coalesce((SELECT string_agg(left(k, 60), ', ') FROM (SELECT jsonb_object_keys(leaf) LIMIT 5) t (k)), 'no keys'));
    ELSIF jsonb_typeof(leaf -> 'field') <> 'string' THEN
        PERFORM shelfmate.refuse_filter(path || '.field', 'must be the name of a field, such as "price", not '
            || shelfmate.describe_json(leaf -> 'field'));
    ELSIF operators IS NULL THEN
        PERFORM shelfmate.refuse_filter(path || '.field', format('is unknown: %s; known are category, brand, price, currency, '
            'in_stock, rating, review_count, sku, title, variant_group, created_at, updated_at and attributes.NAME',
            shelfmate.describe_json(leaf -> 'field')));
    ELSIF leaf - 'field' - operators <> '{}' THEN
        stray := (SELECT k FROM jsonb_object_keys(leaf - 'field' - operators) k LIMIT 1);
        PERFORM shelfmate.refuse_filter(path || '.' || left(stray, 60), format('is no operator of %s, which takes %s',
            left(field, 60), array_to_string(operators, ', ')));
    END IF;
    FOREACH operator IN ARRAY operators LOOP
        CONTINUE WHEN NOT leaf ? operator;
        PERFORM shelfmate.check_filter_value(field, operator, leaf -> operator, path || '.' || operator);
        tests := tests || shelfmate.filter_test(field, operator, leaf -> operator, parameter, place,
                                                path || '.' || operator, check_categories);
    END LOOP;
    IF tests = '{}' THEN
        PERFORM shelfmate.refuse_filter(path, format('asks nothing of %s: give one or more of %s', left(field, 60),
            array_to_string(operators, ', ')));
    END IF;
    -- Null must not come out. Said of the column itself it would halve the planner's estimate where half of it is null.
    IF field IN ('category', 'brand', 'price', 'currency', 'rating', 'variant_group') AND leaf - '{field,exists}'::text[] <> '{}' THEN
        tests := tests || format('(p.%1$I = p.%1$I) IS NOT NULL', field);
    END IF;
    RETURN '(' || array_to_string(tests, ' AND ') || ')';
END $$;

CREATE FUNCTION filter_node(node jsonb, parameter text, place text, path text, depth integer, check_categories boolean)
    RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    word text := CASE WHEN node ? 'all' THEN 'all' WHEN node ? 'any' THEN 'any' WHEN node ? 'not' THEN 'not' END;
    content jsonb := node -> word;
    members text[] := '{}';
BEGIN
    IF jsonb_typeof(node) <> 'object' THEN
        PERFORM shelfmate.refuse_filter(path, 'must be a condition such as {"field": "price", "lt": 50}, or {"all": [...]}, '
            || '{"any": [...]} or {"not": ...}, not ' || shelfmate.describe_json(node));
    ELSIF depth > 16 AND check_categories THEN
        PERFORM shelfmate.refuse_filter(path, 'is nested more than 16 deep: write the filter flatter');
    ELSIF word IS NULL THEN
        RETURN shelfmate.filter_leaf(node, parameter, place, path, check_categories);
    ELSIF node - word <> '{}' THEN
        PERFORM shelfmate.refuse_filter(path || '.' || left((SELECT k FROM jsonb_object_keys(node - word) k LIMIT 1), 60),
            format('stands beside "%s", which stands alone: join them as {"all": [{...}, {...}]}', word));
    ELSIF word = 'not' THEN
        RETURN format('NOT %s', shelfmate.filter_node(content, parameter, place || 'not,', path || '.not', depth + 1,
                                                      check_categories));
    ELSIF jsonb_typeof(content) <> 'array' THEN
        PERFORM shelfmate.refuse_filter(path || '.' || word, 'must be an array of conditions, not '
            || shelfmate.describe_json(content));
    END IF;
    FOR at IN 0 .. jsonb_array_length(content) - 1 LOOP
        members := members || shelfmate.filter_node(content -> at, parameter, format('%s%s,%s,', place, word, at),
                                                    format('%s.%s[%s]', path, word, at), depth + 1, check_categories);
    END LOOP;
    IF members = '{}' THEN
        RETURN CASE word WHEN 'all' THEN 'true' ELSE 'false' END;
    END IF;
    RETURN '(' || array_to_string(members, CASE word WHEN 'all' THEN ' AND ' ELSE ' OR ' END) || ')';
END $$;

CREATE FUNCTION filter_condition(filter jsonb, parameter text DEFAULT '$2', check_categories boolean DEFAULT true)
    RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    place CONSTANT text := '(\$[1-9][0-9]*|[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?)( ?-> ?([0-9]+|''[a-z_]+''))*';
BEGIN
    IF filter IS NULL OR filter = 'null' THEN
        RETURN NULL;
    ELSIF parameter IS NULL OR parameter !~ ('^(' || place || '|\(' || place || '\))$') THEN
        RAISE EXCEPTION 'parameter must be $1 or a column, perhaps with -> ''key'' behind it, not %', coalesce(parameter, 'null')
            USING ERRCODE = 'SM005', COLUMN = 'parameter';
    ELSIF check_categories
          AND jsonb_array_length(jsonb_path_query_array(filter, 'strict $.**{0 to 40} ? (@.type() == "object")')) > 1000 THEN
        PERFORM shelfmate.refuse_filter('filter', 'has more than 1,000 conditions: ask for many values by one "in"');
    ELSIF check_categories
          AND (SELECT sum(CASE jsonb_typeof(u) WHEN 'array' THEN jsonb_array_length(u) ELSE 1 END)
                 FROM jsonb_path_query(filter, 'strict $.**{0 to 40} ? (exists (@.under)).under') u) > 1000 THEN
        PERFORM shelfmate.refuse_filter('filter', 'names more than 1,000 categories: name categories above them');
    END IF;
    RETURN shelfmate.filter_node(filter, parameter, '', 'filter', 1, check_categories);
END $$;

CREATE FUNCTION filter_products(filter jsonb) RETURNS SETOF bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY EXECUTE 'SELECT p.id FROM shelfmate.products p WHERE '
        || coalesce(shelfmate.filter_condition(filter, '$1'), 'true') USING filter;
END $$;

CREATE FUNCTION explain_filter(product_id bigint, filter jsonb)
    RETURNS TABLE (path text, condition text, matches boolean) LANGUAGE plpgsql STABLE AS $$
DECLARE
    leaf record;
BEGIN
    PERFORM shelfmate.filter_condition(filter);
    IF NOT EXISTS (SELECT FROM shelfmate.products p WHERE p.id = explain_filter.product_id) THEN
        RAISE EXCEPTION 'no product with the id %', explain_filter.product_id USING ERRCODE = 'SM001';
    END IF;
    FOR leaf IN
        WITH RECURSIVE nodes (place, path, node) AS (
            SELECT '{}'::integer[], 'filter', filter
             UNION ALL
            SELECT n.place || c.at, n.path || c.step, c.node
              FROM nodes n CROSS JOIN LATERAL (
                   SELECT e.at::integer, format('.%s[%s]', g.word, e.at - 1), e.node
                     FROM (VALUES ('all'), ('any')) g (word),
                          jsonb_array_elements(n.node -> g.word) WITH ORDINALITY e (node, at)
                    UNION ALL
                   SELECT 0, '.not', n.node -> 'not' WHERE n.node ? 'not') c (at, step, node)
        )
        SELECT n.path, n.node,
               (SELECT string_agg(format('%s %s %s', n.node ->> 'field', o.operator, o.value), ' and ' ORDER BY o.operator)
                  FROM jsonb_each(n.node - 'field') o (operator, value)) AS condition
          FROM nodes n WHERE n.node ? 'field' ORDER BY n.place
    LOOP
        path := leaf.path;
        condition := leaf.condition;
        EXECUTE 'SELECT ' || shelfmate.filter_condition(leaf.node) || ' FROM shelfmate.products p WHERE p.id = $1'
           INTO matches USING explain_filter.product_id, leaf.node;
        RETURN NEXT;
    END LOOP;
END $$;

COMMENT ON FUNCTION category_subtree(text) IS 'The paths of a category and of all below it; an error when there is none of that path.';
COMMENT ON FUNCTION nearest_real(numeric) IS 'A number as real; infinity or zero where a real has no room.';
COMMENT ON FUNCTION json_texts(jsonb) IS 'A JSON array''s elements as text.';
COMMENT ON FUNCTION json_numbers(jsonb) IS 'A JSON array''s numbers as numeric.';
COMMENT ON FUNCTION json_reals(jsonb) IS 'A JSON array''s numbers as real.';
COMMENT ON FUNCTION json_elements(jsonb) IS 'A JSON array''s elements.';
COMMENT ON FUNCTION attribute_objects(text, jsonb) IS 'An object {name: element} for each element of a JSON array.';
COMMENT ON FUNCTION rfc3339(text) IS 'The moment of a text for which is_rfc3339 holds.';
COMMENT ON FUNCTION is_rfc3339(text) IS 'Whether a text is a time with its zone as RFC 3339 has it.';
COMMENT ON FUNCTION refuse_filter(text, text) IS 'Raises SM005 for a place in a filter.';
COMMENT ON FUNCTION describe_json(jsonb) IS 'A JSON value as error messages call it.';
COMMENT ON FUNCTION filter_operators(text) IS 'The operators that a field takes in a filter; null for an unknown field.';
COMMENT ON FUNCTION check_filter_value(text, text, jsonb, text) IS 'Raises SM005 for a value that an operator cannot take for a field.';
COMMENT ON FUNCTION filter_test(text, text, jsonb, text, text, text, boolean) IS 'SQL text of one operator of a filter''s leaf.';
COMMENT ON FUNCTION filter_attribute_test(text, text, jsonb, text, text, text) IS 'SQL text of one operator on an attribute.';
COMMENT ON FUNCTION filter_leaf(jsonb, text, text, text, boolean) IS 'SQL text of a filter''s leaf.';
COMMENT ON FUNCTION filter_node(jsonb, text, text, text, integer, boolean) IS 'SQL text of a node of a filter.';
COMMENT ON FUNCTION filter_condition(jsonb, text, boolean) IS
    'SQL text over products p that is true where the filter holds and false elsewhere, never null. It reads the filter from the parameter, jsonb. Null for null. With check_categories an unknown category is an error, without it matches nothing, and no limit of size holds: what is joined from several filters has been checked before.';
COMMENT ON FUNCTION filter_products(jsonb) IS 'products.id of all that satisfy a filter; of all for null.';
COMMENT ON FUNCTION explain_filter(bigint, jsonb) IS 'For each condition of a filter: where it stands, what it says, and whether the product satisfies it.';
