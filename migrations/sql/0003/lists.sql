-- Lists that start from no likeness: what is popular, trending, new or bought together with a product, frozen and paged as the others.

-- The members of a query: k, filter, exclude, rules, placement, space and as_of as recommend() has them; days and half_life
-- (popular, trending), days and sku (bought-together).
CREATE FUNCTION check_list_query(kind text, query jsonb) RETURNS void LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    own CONSTANT text[] := CASE kind WHEN 'popular' THEN '{days,half_life}' WHEN 'trending' THEN '{days,half_life}'
                                     WHEN 'bought-together' THEN '{days,sku}' WHEN 'newest' THEN '{}' END;
    unknown text;
BEGIN
    IF own IS NULL THEN
        RAISE EXCEPTION 'no kind of list is named %; there are popular, trending, newest and bought-together', coalesce(kind, 'null')
            USING ERRCODE = 'SM005', COLUMN = 'kind';
    END IF;
    PERFORM shelfmate.check_query(query - own);
    SELECT key INTO unknown FROM jsonb_object_keys(query) key
     WHERE key NOT IN ('k', 'filter', 'exclude', 'rules', 'placement', 'space', 'as_of') AND key <> ALL (own) LIMIT 1;
    IF unknown IS NOT NULL THEN
        RAISE EXCEPTION 'a list of what is % has no %', kind, unknown USING ERRCODE = 'SM005', COLUMN = unknown;
    END IF;
    IF shelfmate.number_at(query, 'days', '') <> floor(shelfmate.number_at(query, 'days', '')) THEN
        RAISE EXCEPTION 'days is a whole number' USING ERRCODE = 'SM005', COLUMN = 'days';
    END IF;
    PERFORM shelfmate.number_at(query, 'half_life', ''), shelfmate.text_at(query, 'sku');
END $$;

CREATE FUNCTION rank_list(kind text, query jsonb) RETURNS SETOF recommended_product LANGUAGE plpgsql STABLE ROWS 10
    SET search_path FROM CURRENT
AS $$
DECLARE
    k integer := coalesce((query ->> 'k')::numeric, 10);
    filter jsonb := nullif(query -> 'filter', 'null');
    days integer := (query ->> 'days')::numeric;
    half_life double precision := (query ->> 'half_life')::double precision;
    space text;
    exclude bigint[];
    rule shelfmate.ranking_rules;
    rules shelfmate.ranking_rules[] := '{}';
    pinned bigint[] := '{}';
    positions integer[] := '{}';
    pin bigint;
    ids bigint[];
    scores double precision[];
    place integer;
BEGIN
    PERFORM shelfmate.check_list_query(kind, query), shelfmate.filter_condition(filter);
    space := (shelfmate.find_space(query ->> 'space')).name;
    exclude := ARRAY(SELECT p.id FROM jsonb_array_elements_text(nullif(query -> 'exclude', 'null')) x (sku)
                       JOIN shelfmate.products p ON p.sku = x.sku);
    IF query ->> 'as_of' IS NOT NULL THEN
        filter := shelfmate.both_filters(jsonb_build_object('field', 'created_at', 'lte', query -> 'as_of'), filter);
    END IF;
    IF shelfmate.flag_at(query, 'rules', true) THEN
        FOR rule IN SELECT * FROM shelfmate.active_rules(query ->> 'placement') LOOP
            IF rule.action = 'hide' THEN
                filter := shelfmate.both_filters(jsonb_build_object('not', rule.filter), filter);
            ELSIF rule.action = 'pin' AND kind <> 'bought-together' THEN
                rules := rules || rule;
            END IF;
        END LOOP;
        FOR rule IN SELECT * FROM unnest(rules) r WHERE r.position <= k ORDER BY r.position, r.id LOOP
            EXECUTE format('SELECT p.id FROM shelfmate.products p WHERE p.sku = $1 AND %s',
                           coalesce(shelfmate.filter_condition(filter, '$2', false), 'true'))
               INTO pin USING rule.sku, filter;
            IF pin IS NOT NULL AND pin <> ALL (exclude || pinned) THEN
                pinned := pinned || pin;
                positions := positions || rule.position;
            END IF;
        END LOOP;
    END IF;
    exclude := exclude || pinned;

    IF kind = 'bought-together' THEN
        -- Few products are; what is left out is taken away afterwards.
        SELECT array_agg(b.product_id ORDER BY b.score DESC, b.product_id), array_agg(b.score ORDER BY b.score DESC, b.product_id)
          INTO ids, scores
          FROM (SELECT t.product_id, t.score FROM shelfmate.bought_together(query ->> 'sku', 1000, filter, coalesce(days, 730)) t
                 WHERE t.product_id <> ALL (exclude) ORDER BY t.score DESC, t.product_id LIMIT k) b;
    ELSE
        EXECUTE format('SELECT array_agg(l.product_id ORDER BY l.place), array_agg(l.score ORDER BY l.place)
                          FROM %s WITH ORDINALITY l (product_id, score, place)',
                       CASE kind WHEN 'popular' THEN 'shelfmate.popular_products($1, $2, $3, false, $4, $5)'
                                 WHEN 'trending' THEN 'shelfmate.trending_products($1, $2, coalesce($4, 7), coalesce($5, 2), $3, false)'
                                 ELSE 'shelfmate.newest_products($1, $2, $3, false)' END)
           INTO ids, scores USING k, filter, exclude, days, half_life;
    END IF;
    ids := coalesce(ids, '{}');
    scores := coalesce(scores, '{}');
    -- From the front, so that each pin stands where its rule says; behind what there is where the list is shorter.
    FOR at IN 1 .. cardinality(pinned) LOOP
        place := least(positions[at], cardinality(ids) + 1);
        ids := ids[:place - 1] || pinned[at] || ids[place:];
        scores := scores[:place - 1] || 0::double precision || scores[place:];
    END LOOP;
    RETURN QUERY
        SELECT i.place::integer, p.sku, p.title, i.score,
               CASE WHEN i.id = ANY (pinned) THEN '{}'
                    ELSE jsonb_build_object(CASE kind WHEN 'popular' THEN 'popularity' WHEN 'trending' THEN 'trend'
                                                      WHEN 'newest' THEN 'newness' ELSE 'together' END, i.score) END,
               CASE WHEN kind = 'bought-together' AND o.sku IS NOT NULL
                    THEN jsonb_build_array(jsonb_build_object('sku', o.sku, 'title', o.title, 'contribution', i.score)) ELSE '[]' END,
               p.id, p.brand, p.category, p.price, p.currency, p.in_stock, p.variant_group, '{}'::text[],
               CASE WHEN i.id = ANY (pinned) THEN 'pinned' ELSE replace(kind, '-', '_') END, space, 'exact'
          FROM unnest(ids, scores) WITH ORDINALITY i (id, score, place)
          JOIN shelfmate.products p ON p.id = i.id
          LEFT JOIN shelfmate.products o ON o.sku = query ->> 'sku'
         WHERE i.place <= k ORDER BY i.place;
END $$;

-- As first_page() of recommend() does it.
CREATE FUNCTION first_list_page(kind text, query jsonb) RETURNS TABLE (
    space_id integer, space text, mode text, source text, shown integer, items text, frozen jsonb, vectors halfvec[]
) LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT s.id, s.name, 'exact', replace(kind, '-', '_'), a.shown, a.items, a.frozen, '{}'::halfvec[]
      FROM shelfmate.find_space(query->>'space') s,
           (SELECT count(*)::integer,
                   coalesce(json_agg(json_build_object(
                       'sku', r.sku, 'title', r.title, 'score', r.score, 'contributions', r.contributions,
                       'examples', r.examples, 'variants', r.variants, 'source', r.source, 'brand', r.brand,
                       'category', r.category, 'price', r.price, 'currency', r.currency, 'in_stock', r.in_stock,
                       'variant_group', r.variant_group) ORDER BY r.position), '[]')::text,
                   coalesce(jsonb_agg(jsonb_build_object(
                       'product_id', r.product_id, 'score', r.score, 'source', r.source,
                       'contributions', r.contributions, 'examples', r.examples) ORDER BY r.position), '[]')
              FROM shelfmate.rank_list(kind, query) r) a (shown, items, frozen)
$$;

-- What follows the first page: as of now where interest is counted by day, of the products of then.
ALTER FUNCTION rank_tail(recommendations) RENAME TO rank_tail_of_taste;
CREATE FUNCTION rank_tail(frozen recommendations) RETURNS SETOF recommended_product LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF frozen.kind IN ('popular', 'trending', 'newest', 'bought-together') THEN
        RETURN QUERY SELECT * FROM shelfmate.rank_list(frozen.kind, shelfmate.frozen_query(frozen));
    ELSE
        RETURN QUERY SELECT * FROM shelfmate.rank_tail_of_taste(frozen);
    END IF;
END $$;

COMMENT ON FUNCTION check_list_query(text, jsonb) IS 'Refuses a query of rank_list() with a member that it does not have, or one of another type.';
COMMENT ON FUNCTION rank_list(text, jsonb) IS
    'What is popular, trending, newest or bought-together, in rows as recommend() has them. Rules that hide apply to all, and those that pin to all but the last.';
COMMENT ON FUNCTION first_list_page(text, jsonb) IS 'What rank_list() answers as JSON: to be sent, and to be kept.';
COMMENT ON FUNCTION rank_tail_of_taste(recommendations) IS 'rank_tail() of a list that starts from examples or from a person.';
COMMENT ON FUNCTION rank_tail(recommendations) IS 'What follows the first page of a frozen list, best first; products may come twice.';
