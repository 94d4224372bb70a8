-- Ratings: kept by addition instead of counting anew, and Bayesian means that can be compared.

-- What a product without reviews is taken for: prior_weight reviews of prior_mean stars each. Upkeep counts the mean anew.
CREATE TABLE rating_prior (
    is_only      boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    prior_mean   double precision NOT NULL DEFAULT 4 CHECK (prior_mean BETWEEN 1 AND 5),
    prior_weight double precision NOT NULL DEFAULT 10 CHECK (prior_weight > 0 AND prior_weight < 'Infinity'),
    counted_at   timestamptz,
    applied_at   timestamptz
);
INSERT INTO rating_prior DEFAULT VALUES;

ALTER TABLE products ADD COLUMN rating_sum integer NOT NULL DEFAULT 0, ADD COLUMN bayesian_rating real;

-- (m * weight + sum) / (weight + n), the mean of n ratings and of weight more of m stars each.
CREATE FUNCTION bayesian_rating(stars bigint, reviews bigint, prior_mean double precision, prior_weight double precision) RETURNS real
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN reviews > 0 THEN ((prior_mean * prior_weight + stars) / (prior_weight + reviews))::real END;

-- Adds reviews to products, or takes them away: exact however many do so at once, since each adds to what it finds
-- when it holds the row.
CREATE FUNCTION add_ratings(product_ids bigint[], counts integer[], stars integer[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    prior shelfmate.rating_prior;
BEGIN
    SELECT * INTO prior FROM shelfmate.rating_prior;
    -- The locks come first, in the order of imports.
    IF cardinality(product_ids) > 1 THEN
        PERFORM FROM shelfmate.products p WHERE p.id = ANY (product_ids) ORDER BY p.sku FOR NO KEY UPDATE;
    END IF;
    UPDATE shelfmate.products p
       SET rating_sum = p.rating_sum + d.stars, review_count = p.review_count + d.reviews,
           -- Divided as avg() divides.
           rating = ((p.rating_sum + d.stars)::numeric / nullif(p.review_count + d.reviews, 0))::real,
           bayesian_rating = shelfmate.bayesian_rating(p.rating_sum + d.stars, p.review_count + d.reviews,
                                                       prior.prior_mean, prior.prior_weight)
      FROM unnest(product_ids, counts, add_ratings.stars) d (id, reviews, stars)
     WHERE p.id = d.id;
END $$;

CREATE OR REPLACE FUNCTION rate_reviewed_products() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed bigint[];
    counts integer[];
    stars integer[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(n.product_id), array_agg(n.reviews), array_agg(n.stars) INTO changed, counts, stars
          FROM (SELECT product_id, count(*)::integer AS reviews, sum(rating)::integer AS stars FROM new_reviews GROUP BY 1) n;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(o.product_id), array_agg(-o.reviews), array_agg(-o.stars) INTO changed, counts, stars
          FROM (SELECT product_id, count(*)::integer AS reviews, sum(rating)::integer AS stars FROM old_reviews GROUP BY 1) o;
    ELSIF TG_OP = 'UPDATE' THEN
        SELECT array_agg(r.product_id), array_agg(r.reviews), array_agg(r.stars) INTO changed, counts, stars
          FROM (SELECT u.product_id, sum(u.times)::integer AS reviews, sum(u.times * u.rating)::integer AS stars
                  FROM (SELECT n.product_id, n.rating, 1 AS times FROM new_reviews n
                         UNION ALL SELECT o.product_id, o.rating, -1 FROM old_reviews o) u
                 GROUP BY u.product_id HAVING sum(u.times) <> 0 OR sum(u.times * u.rating) <> 0) r;
    ELSE
        UPDATE shelfmate.products SET rating = NULL, review_count = 0, rating_sum = 0, bayesian_rating = NULL
         WHERE review_count <> 0;
    END IF;
    IF changed IS NOT NULL THEN
        PERFORM shelfmate.add_ratings(changed, counts, stars);
    END IF;
    RETURN NULL;
END $$;

-- The triggers add; this counts, for who does not trust them.
CREATE OR REPLACE FUNCTION rate_products(product_ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- The reviews are counted by a statement of its own, whose snapshot is taken when the locks are held: what another
    -- transaction wrote meanwhile is counted too.
    PERFORM FROM shelfmate.products p WHERE p.id = ANY (product_ids) ORDER BY p.sku FOR NO KEY UPDATE;
    UPDATE shelfmate.products p
       SET rating = c.rating, review_count = c.review_count, rating_sum = c.rating_sum, bayesian_rating = c.bayesian_rating
      FROM (SELECT i.id, avg(r.rating)::real AS rating, count(r.rating)::integer AS review_count,
                   coalesce(sum(r.rating), 0)::integer AS rating_sum,
                   shelfmate.bayesian_rating(sum(r.rating), count(r.rating), min(q.prior_mean), min(q.prior_weight)) AS bayesian_rating
              FROM unnest(product_ids) i (id) CROSS JOIN shelfmate.rating_prior q
              LEFT JOIN shelfmate.reviews r ON r.product_id = i.id
             GROUP BY i.id) c
     WHERE p.id = c.id
       AND (p.rating, p.review_count, p.rating_sum, p.bayesian_rating)
           IS DISTINCT FROM (c.rating, c.review_count, c.rating_sum, c.bayesian_rating);
END $$;

-- A mean that moves by less changes no order that anybody would see, and every product would be written anew.
CREATE FUNCTION count_rating_prior() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    least_change CONSTANT double precision := 0.02;
    counted double precision;
BEGIN
    SELECT sum(p.rating_sum)::double precision / sum(p.review_count) INTO counted FROM shelfmate.products p WHERE p.review_count > 0;
    UPDATE shelfmate.rating_prior SET prior_mean = counted, applied_at = NULL
     WHERE counted IS NOT NULL AND abs(prior_mean - counted) > least_change;
    UPDATE shelfmate.rating_prior SET counted_at = clock_timestamp();
    RETURN (SELECT applied_at IS NULL FROM shelfmate.rating_prior);
END $$;

-- Writes the Bayesian means of the next products by the present prior: how many of them, whether all were right, and the last id.
-- Whoever holds one of them is not waited for: the next round comes back to it.
CREATE FUNCTION refresh_bayesian_ratings(
    after bigint, most integer, OUT looked_at integer, OUT all_right boolean, OUT last_id bigint
) LANGUAGE plpgsql AS $$
DECLARE
    wrong bigint[];
BEGIN
    SELECT count(*), max(w.id), coalesce(array_agg(w.id) FILTER (WHERE w.is_wrong), '{}') INTO looked_at, last_id, wrong
      FROM (SELECT p.id, p.bayesian_rating IS DISTINCT FROM shelfmate.bayesian_rating(p.rating_sum, p.review_count,
                                                                                      q.prior_mean, q.prior_weight) AS is_wrong
              FROM shelfmate.products p, shelfmate.rating_prior q
             WHERE p.id > after ORDER BY p.id LIMIT most) w;
    all_right := wrong = '{}';
    -- It is no edit of a product: whoever asks what was updated is not told of it.
    PERFORM set_config('shelfmate.keep_updated_at', 'on', true);
    UPDATE shelfmate.products p
       SET bayesian_rating = shelfmate.bayesian_rating(p.rating_sum, p.review_count, q.prior_mean, q.prior_weight)
      FROM (SELECT l.id FROM shelfmate.products l WHERE l.id = ANY (wrong) FOR NO KEY UPDATE SKIP LOCKED) l, shelfmate.rating_prior q
     WHERE p.id = l.id;
    PERFORM set_config('shelfmate.keep_updated_at', 'off', true);
END $$;

CREATE OR REPLACE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('shelfmate.keep_updated_at', true), '') <> 'on' THEN
        NEW.updated_at := now();
    END IF;
    RETURN NEW;
END $$;

-- Those that there are, counted once.
UPDATE rating_prior SET prior_mean = c.mean FROM (SELECT avg(rating)::double precision AS mean FROM reviews) c WHERE c.mean IS NOT NULL;
ALTER TABLE products DISABLE TRIGGER set_updated_at;
SELECT rate_products(ARRAY(SELECT p.id FROM products p WHERE p.review_count > 0));
ALTER TABLE products ENABLE TRIGGER set_updated_at;

COMMENT ON TABLE rating_prior IS 'One row: what a Bayesian mean starts from, before a product''s own reviews.';
COMMENT ON COLUMN rating_prior.is_only IS 'True: there is one row.';
COMMENT ON COLUMN rating_prior.prior_mean IS 'Mean stars of all reviews when it was last changed; upkeep follows the present mean when it is off by more than 0.02.';
COMMENT ON COLUMN rating_prior.prior_weight IS 'For how many reviews it counts; may be set by hand, with applied_at to null.';
COMMENT ON COLUMN rating_prior.counted_at IS 'When upkeep last counted the mean.';
COMMENT ON COLUMN rating_prior.applied_at IS 'When every product''s Bayesian mean was found right by it; null while upkeep is at it.';
COMMENT ON COLUMN products.rating_sum IS 'Sum of the stars of its reviews, which the means are made of. Kept by triggers on reviews.';
COMMENT ON COLUMN products.bayesian_rating IS
    'Mean stars of its reviews and of prior_weight more of prior_mean stars (rating_prior); null without reviews. Kept by triggers on reviews.';
COMMENT ON FUNCTION bayesian_rating(bigint, bigint, double precision, double precision) IS
    'Mean stars from the sum and number of ratings and the prior; null without ratings.';
COMMENT ON FUNCTION add_ratings(bigint[], integer[], integer[]) IS 'Adds so many reviews with so many stars in all to each product; negative ones are taken away.';
COMMENT ON FUNCTION count_rating_prior() IS 'Counts the prior anew; whether products have yet to follow it.';
COMMENT ON FUNCTION refresh_bayesian_ratings(bigint, integer) IS 'Makes the Bayesian means of the products behind an id follow the prior.';
GRANT SELECT ON rating_prior TO analyst;

-- Filters and facets know the new column. As in 0001 but for its name.

CREATE OR REPLACE FUNCTION filter_operators(field text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN field IN ('brand', 'sku', 'title', 'variant_group', 'currency') THEN '{eq,in,contains,exists}'::text[]
                WHEN field = 'category' THEN '{eq,in,under,exists}'
                WHEN field IN ('price', 'rating', 'bayesian_rating', 'review_count') THEN '{eq,in,gte,gt,lte,lt,exists}'
                WHEN field = 'in_stock' THEN '{eq,exists}'
                WHEN field IN ('created_at', 'updated_at') THEN '{eq,gte,gt,lte,lt,exists}'
                WHEN starts_with(field, 'attributes.') AND field <> 'attributes.'
                THEN '{eq,in,gte,gt,lte,lt,contains,exists}' END;

CREATE OR REPLACE FUNCTION check_filter_value(field text, operator text, value jsonb, path text) RETURNS void
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    kind text := jsonb_typeof(value);
    wanted text;
    types text[] := CASE WHEN starts_with(field, 'attributes.') THEN '{string,number,boolean}'::text[]
                         WHEN field IN ('price', 'rating', 'bayesian_rating', 'review_count') THEN '{number}'
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

CREATE OR REPLACE FUNCTION filter_test(
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
    ELSIF field IN ('rating', 'bayesian_rating') THEN
        -- At the precision of what is stored, so that 4.1 equals 4.1.
        RETURN CASE WHEN operator = 'in' THEN format('p.%I = ANY (shelfmate.json_reals(%s))', field, given_json)
                    ELSE format('p.%I %s shelfmate.nearest_real(%s::numeric)', field, sign, given_json) END;
    ELSIF field = 'in_stock' THEN
        RETURN format('p.in_stock = %s::boolean', given_json);
    ELSIF field IN ('created_at', 'updated_at') THEN
        RETURN format('p.%I %s shelfmate.rfc3339(%s)', field, sign, given);
    ELSIF operator = 'in' THEN
        RETURN format('p.%I = ANY (shelfmate.json_texts(%s))', field, given_json);
    END IF;
    RETURN format('p.%I = %s', field, given);
END $$;

CREATE OR REPLACE FUNCTION filter_leaf(leaf jsonb, parameter text, place text, path text, check_categories boolean) RETURNS text
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
            'in_stock, rating, bayesian_rating, review_count, sku, title, variant_group, created_at, updated_at and attributes.NAME',
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
    IF field IN ('category', 'brand', 'price', 'currency', 'rating', 'bayesian_rating', 'variant_group') AND leaf - '{field,exists}'::text[] <> '{}' THEN
        tests := tests || format('(p.%1$I = p.%1$I) IS NOT NULL', field);
    END IF;
    RETURN '(' || array_to_string(tests, ' AND ') || ')';
END $$;

CREATE OR REPLACE FUNCTION facet_key(field text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN field IN ('category', 'brand', 'in_stock', 'price') THEN 'p.' || field
                WHEN field IN ('rating', 'bayesian_rating') THEN format('floor(p.%s)::integer', field)
                -- Its digits: 1, 10, 100 or 1,000 reviews and more.
                WHEN field = 'review_count' THEN 'CASE WHEN p.review_count > 0 THEN least(length(p.review_count::text), 4) END'
                WHEN field ~ '^attributes\..' THEN format('p.attributes -> %L', substr(field, 12)) END
$$;

CREATE OR REPLACE FUNCTION facet_values(field text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
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
        WHEN field IN ('rating', 'bayesian_rating') THEN
            $q$SELECT jsonb_build_object('gte', stars), sum(n)::bigint
                 FROM generate_series(1, 4) stars JOIN groups ON key >= stars GROUP BY stars ORDER BY stars DESC$q$
        WHEN field = 'review_count' THEN
            $q$SELECT jsonb_build_object('gte', (10 ^ (digits - 1))::integer), sum(n)::bigint
                 FROM generate_series(1, 4) digits JOIN groups ON key >= digits GROUP BY digits ORDER BY digits DESC$q$
        ELSE
            $q$SELECT element, sum(n)::bigint
                 FROM groups, LATERAL (SELECT DISTINCT e FROM jsonb_array_elements(
                          CASE jsonb_typeof(key) WHEN 'array' THEN key ELSE jsonb_build_array(key) END) e) a (element)
                WHERE jsonb_typeof(element) IN ('string', 'number', 'boolean')
                GROUP BY element ORDER BY sum(n) DESC, element LIMIT $4$q$
        END
$$;

CREATE OR REPLACE FUNCTION facet_counts(
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
        RAISE EXCEPTION '% is no facet, or is asked for twice; facets are total, category, brand, in_stock, price, rating, bayesian_rating, review_count and attributes.NAME, at most 20',
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
