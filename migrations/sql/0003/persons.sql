-- Who is recommended to: a known person by what is stored of them, or a session by what it did.

-- The filter of a request, with what the shop's rules hide taken out.
CREATE FUNCTION person_filter(filter jsonb, rules boolean, placement text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    rule shelfmate.ranking_rules;
BEGIN
    -- The request's filter is checked against the catalogue; a rule's may name a category that is gone.
    PERFORM shelfmate.filter_condition(filter);
    IF rules THEN
        FOR rule IN SELECT * FROM shelfmate.active_rules(placement) r WHERE r.action = 'hide' LOOP
            filter := shelfmate.both_filters(jsonb_build_object('not', rule.filter), filter);
        END LOOP;
    END IF;
    RETURN filter;
END $$;

CREATE FUNCTION check_person_options(
    k integer, half_life double precision, interests integer, w_popularity double precision, w_together double precision
) RETURNS void LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM shelfmate.check_k(k), shelfmate.check_positive(half_life, 'half_life'), shelfmate.check_interests(interests);
    IF w_popularity IS NULL OR NOT w_popularity BETWEEN 0 AND 1000 THEN
        RAISE EXCEPTION 'w_popularity is a number from 0 to 1000' USING ERRCODE = 'SM005', COLUMN = 'w_popularity';
    ELSIF w_together IS NULL OR NOT w_together BETWEEN 0 AND 1000 THEN
        RAISE EXCEPTION 'w_together is a number from 0 to 1000' USING ERRCODE = 'SM005', COLUMN = 'w_together';
    END IF;
END $$;

CREATE FUNCTION recommend_for_user(
    user_id text, k integer DEFAULT 10, filter jsonb DEFAULT NULL,
    exclude_seen boolean DEFAULT true, exclude_bought boolean DEFAULT true, exclude text[] DEFAULT '{}',
    half_life double precision DEFAULT 180, interests integer DEFAULT 5,
    w_popularity double precision DEFAULT 3, w_together double precision DEFAULT 3,
    one_per_variant_group boolean DEFAULT false, fallback boolean DEFAULT true, discover boolean DEFAULT true,
    rules boolean DEFAULT true, placement text DEFAULT NULL,
    space text DEFAULT NULL, exact boolean DEFAULT false, as_of timestamptz DEFAULT NULL
) RETURNS SETOF person_recommendation LANGUAGE plpgsql STABLE ROWS 10
    SET search_path FROM CURRENT
AS $$
DECLARE
    at CONSTANT timestamptz := coalesce(as_of, now());
    chosen CONSTANT shelfmate.embedding_spaces := shelfmate.find_space(space);
BEGIN
    PERFORM shelfmate.check_person_options(k, half_life, interests, w_popularity, w_together);
    RETURN QUERY
        SELECT * FROM shelfmate.recommend_for_history(
            ARRAY(SELECT h FROM shelfmate.weigh_history(shelfmate.recent_signals(recommend_for_user.user_id, at), half_life, at) h),
            k, shelfmate.person_filter(filter, coalesce(rules, true), placement),
            ARRAY(SELECT DISTINCT s.product_id FROM shelfmate.user_signals s
                   WHERE s.user_id = recommend_for_user.user_id AND s.occurred_at <= at AND coalesce(exclude_seen, true)
                  UNION
                  SELECT s.product_id FROM shelfmate.user_signals s
                   WHERE s.user_id = recommend_for_user.user_id AND s.occurred_at <= at AND coalesce(exclude_bought, true)
                     AND s.kind IN ('purchase', 'rating')
                  UNION
                  SELECT p.id FROM shelfmate.products p WHERE p.sku = ANY (recommend_for_user.exclude)),
            interests, w_popularity, w_together, coalesce(one_per_variant_group, false), coalesce(fallback, true),
            coalesce(discover, true), chosen, coalesce(exact, false), as_of);
END $$;

-- What a session did, as JSON, in the order in which it was done where the times do not say otherwise.
CREATE FUNCTION read_session(events jsonb) RETURNS person_signal[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    most CONSTANT integer := 1000;
    answer shelfmate.person_signal[] := '{}';
    event jsonb;
    path text;
    unknown text;
    signal shelfmate.person_signal;
BEGIN
    IF events IS NULL OR jsonb_typeof(events) <> 'array' OR jsonb_array_length(events) > most THEN
        RAISE EXCEPTION 'events is a list of at most % objects such as {"sku": "A1", "kind": "view"}', most
            USING ERRCODE = 'SM005', COLUMN = 'events';
    END IF;
    FOR place IN 0..jsonb_array_length(events) - 1 LOOP
        event := events -> place;
        path := format('events[%s]', place);
        IF jsonb_typeof(event) <> 'object' OR jsonb_typeof(event -> 'sku') IS DISTINCT FROM 'string' THEN
            RAISE EXCEPTION '% is an object with a sku, such as {"sku": "A1", "kind": "view"}', path
                USING ERRCODE = 'SM005', COLUMN = path || '.sku';
        END IF;
        SELECT key INTO unknown FROM jsonb_object_keys(event) key WHERE key NOT IN ('sku', 'kind', 'value', 'occurred_at') LIMIT 1;
        IF unknown IS NOT NULL THEN
            RAISE EXCEPTION '% has no field %: sku, kind, value and occurred_at', path, unknown
                USING ERRCODE = 'SM005', COLUMN = path || '.' || unknown;
        END IF;
        SELECT p.id INTO signal.product_id FROM shelfmate.products p WHERE p.sku = event ->> 'sku';
        IF NOT FOUND THEN
            RAISE EXCEPTION 'no product with sku %', event ->> 'sku' USING ERRCODE = 'SM001', COLUMN = path || '.sku';
        END IF;
        signal.kind := coalesce(event ->> 'kind', 'view');
        IF signal.kind NOT IN ('view', 'click', 'like', 'cart', 'purchase', 'rating') THEN
            RAISE EXCEPTION '%.kind is view, click, like, cart, purchase or rating', path USING ERRCODE = 'SM005', COLUMN = path || '.kind';
        END IF;
        signal.value := shelfmate.number_at(event, 'value', path);
        IF signal.kind = 'rating' AND (signal.value IS NULL OR signal.value NOT BETWEEN 1 AND 5) THEN
            RAISE EXCEPTION '%.value of a rating is from 1 to 5', path USING ERRCODE = 'SM005', COLUMN = path || '.value';
        END IF;
        IF NOT shelfmate.is_rfc3339(shelfmate.text_at(event, 'occurred_at')) THEN
            RAISE EXCEPTION '%.occurred_at is a time such as "2026-01-31T12:00:00Z"', path
                USING ERRCODE = 'SM005', COLUMN = path || '.occurred_at';
        END IF;
        -- A second apart, so that the order of the list holds.
        signal.occurred_at := coalesce(shelfmate.rfc3339(event ->> 'occurred_at'),
                                       now() - make_interval(secs => jsonb_array_length(events) - 1 - place));
        answer := answer || signal;
    END LOOP;
    RETURN answer;
END $$;

CREATE FUNCTION recommend_for_session(
    events jsonb, k integer DEFAULT 10, filter jsonb DEFAULT NULL,
    exclude_seen boolean DEFAULT true, exclude_bought boolean DEFAULT true, exclude text[] DEFAULT '{}',
    half_life double precision DEFAULT 180, interests integer DEFAULT 5,
    w_popularity double precision DEFAULT 3, w_together double precision DEFAULT 3,
    one_per_variant_group boolean DEFAULT false, fallback boolean DEFAULT true, discover boolean DEFAULT true,
    rules boolean DEFAULT true, placement text DEFAULT NULL,
    space text DEFAULT NULL, exact boolean DEFAULT false
) RETURNS SETOF person_recommendation LANGUAGE plpgsql STABLE ROWS 10
    SET search_path FROM CURRENT
AS $$
DECLARE
    chosen CONSTANT shelfmate.embedding_spaces := shelfmate.find_space(space);
    signals CONSTANT shelfmate.person_signal[] := shelfmate.read_session(events);
BEGIN
    PERFORM shelfmate.check_person_options(k, half_life, interests, w_popularity, w_together);
    RETURN QUERY
        SELECT * FROM shelfmate.recommend_for_history(
            ARRAY(SELECT h FROM shelfmate.weigh_history(signals, half_life, now()) h),
            k, shelfmate.person_filter(filter, coalesce(rules, true), placement),
            ARRAY(SELECT s.product_id FROM unnest(signals) s
                   WHERE coalesce(exclude_seen, true) OR (coalesce(exclude_bought, true) AND s.kind IN ('purchase', 'rating'))
                  UNION
                  SELECT p.id FROM shelfmate.products p WHERE p.sku = ANY (recommend_for_session.exclude)),
            interests, w_popularity, w_together, coalesce(one_per_variant_group, false), coalesce(fallback, true),
            coalesce(discover, true), chosen, coalesce(exact, false), NULL);
END $$;

-- The first k of a person's list as they are sent, and all of it as it is kept: the reason takes the place of the examples.
CREATE FUNCTION person_page(
    ranked person_recommendation[], k integer, filter jsonb, one_per_variant_group boolean,
    OUT items text, OUT next_position integer, OUT source text, OUT mode text, OUT frozen jsonb
) LANGUAGE sql STABLE AS $$
    SELECT coalesce(json_agg(json_build_object(
               'sku', r.sku, 'title', r.title, 'score', r.score, 'contributions', r.contributions, 'examples', e.examples,
               'variants', CASE WHEN one_per_variant_group THEN shelfmate.list_variants(p, filter) ELSE '{}' END,
               'source', r.source, 'brand', r.brand, 'category', r.category, 'price', r.price, 'currency', r.currency,
               'in_stock', r.in_stock, 'variant_group', r.variant_group) ORDER BY r.position) FILTER (WHERE r.position <= k), '[]')::text,
           CASE WHEN count(*) > k THEN k END,
           CASE WHEN min(r.source) FILTER (WHERE r.position <= k) <> max(r.source) FILTER (WHERE r.position <= k) THEN 'mixed'
                ELSE coalesce(min(r.source), 'interest') END,
           coalesce(min(r.mode), 'exact'),
           coalesce(jsonb_agg(jsonb_build_object(
               'product_id', r.product_id, 'score', r.score, 'source', r.source, 'contributions', r.contributions,
               'examples', e.examples) ORDER BY r.position), '[]')
      FROM unnest(ranked) r
      JOIN shelfmate.products p ON p.id = r.product_id,
           LATERAL (SELECT CASE WHEN r.reason_sku IS NULL THEN '[]'
                                ELSE jsonb_build_array(jsonb_build_object(
                                    'sku', r.reason_sku, 'title', r.reason_title,
                                    'contribution', r.contributions -> CASE r.source WHEN 'bought_together' THEN 'together' ELSE 'likeness' END))
                           END AS examples) e
$$;

COMMENT ON FUNCTION person_filter(jsonb, boolean, text) IS 'A filter that also leaves out what the rules that apply hide.';
COMMENT ON FUNCTION check_person_options(integer, double precision, integer, double precision, double precision) IS 'Refuses options that lie outside their ranges.';
COMMENT ON FUNCTION recommend_for_user(text, integer, jsonb, boolean, boolean, text[], double precision, integer, double precision, double precision, boolean, boolean, boolean, boolean, text, text, boolean, timestamptz) IS
    'The k products for one person by their last 100 products, which fade by half in half_life days, and at most so many interests. discover: of every ten places one is for a product that few had yet. Left out are all they did anything with (exclude_seen), all they bought or rated (exclude_bought), and exclude. Where that gives too few, and for somebody new, popular, trending and newest products follow (fallback). as_of: by what was known of people then.';
COMMENT ON FUNCTION read_session(jsonb) IS 'The events of a session given as JSON, checked.';
COMMENT ON FUNCTION recommend_for_session(jsonb, integer, jsonb, boolean, boolean, text[], double precision, integer, double precision, double precision, boolean, boolean, boolean, boolean, text, text, boolean) IS
    'As recommend_for_user, by what a session did: [{"sku": "A1", "kind": "view", "value": 5, "occurred_at": "2026-01-31T12:00:00Z"}], a view now where nothing else is said, the last one newest. Nothing of it is stored.';
COMMENT ON FUNCTION person_page(person_recommendation[], integer, jsonb, boolean) IS 'The first page of a person''s list as JSON: to be sent, and the whole list to be kept.';
