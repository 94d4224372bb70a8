-- What people did: events and the ratings in their reviews, and what it weighs.

CREATE VIEW user_signals AS
    SELECT e.user_id, e.product_id, e.kind, e.value, e.occurred_at FROM shelfmate.events e
     UNION ALL
    SELECT r.user_id, r.product_id, 'rating', r.rating::real, coalesce(r.written_at, r.created_at)
      FROM shelfmate.reviews r WHERE r.user_id IS NOT NULL;

-- Who owns what: few rows beside all views and clicks, found from either side.
CREATE INDEX events_owner_idx ON events (user_id, product_id) WHERE kind IN ('purchase', 'rating');
CREATE INDEX events_owned_idx ON events (product_id, user_id) WHERE kind IN ('purchase', 'rating');
-- Written about the time that they are stored, but for imports.
CREATE INDEX reviews_written_at_idx ON reviews USING brin (coalesce(written_at, created_at));

CREATE TYPE person_signal AS (product_id bigint, kind text, value real, occurred_at timestamptz);
CREATE TYPE weighed_product AS (product_id bigint, weight double precision, involvement double precision);

-- What somebody said of a product outweighs what they did with it; two stars or one count against it.
CREATE FUNCTION signal_weight(kind text, value real) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE kind WHEN 'rating' THEN CASE WHEN value BETWEEN 1 AND 5 THEN (value::double precision - 2.5) / 2.5 ELSE 0 END
                     WHEN 'purchase' THEN 1 WHEN 'like' THEN 0.8 WHEN 'cart' THEN 0.6 WHEN 'click' THEN 0.2 ELSE 0.1 END
$$;

-- A history: the last 100 products, each by its newest rating or else its strongest signal, both fading with time.
CREATE FUNCTION weigh_history(signals person_signal[], half_life double precision, at timestamptz) RETURNS SETOF weighed_product
    LANGUAGE sql STABLE ROWS 100 AS $$
    SELECT h.product_id,
           coalesce((array_agg(h.weight ORDER BY h.occurred_at DESC, h.weight) FILTER (WHERE h.kind = 'rating'))[1], max(h.weight)),
           max(CASE WHEN h.kind IN ('purchase', 'rating') THEN h.recency ELSE h.weight END)
      FROM (SELECT s.product_id, s.kind, s.occurred_at, r.recency,
                   shelfmate.signal_weight(s.kind, s.value) * r.recency AS weight
              FROM unnest(signals) s,
                   LATERAL (SELECT power(0.5::double precision, least(1000, greatest(0, extract(epoch FROM at - s.occurred_at)::double precision)
                                                                            / 86400 / half_life)) AS recency) r) h
     GROUP BY h.product_id ORDER BY max(h.occurred_at) DESC, h.product_id LIMIT 100
$$;

-- The newest signals of one person; a thousand of them hold the last products of anybody but a machine.
CREATE FUNCTION recent_signals(user_id text, at timestamptz) RETURNS person_signal[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY(SELECT (s.product_id, s.kind, s.value, s.occurred_at)::shelfmate.person_signal
                   FROM ((SELECT e.product_id, e.kind, e.value, e.occurred_at FROM shelfmate.events e
                           WHERE e.user_id = recent_signals.user_id AND e.occurred_at <= at ORDER BY e.occurred_at DESC, e.id DESC LIMIT 1000)
                         UNION ALL
                         (SELECT r.product_id, 'rating', r.rating, coalesce(r.written_at, r.created_at) FROM shelfmate.reviews r
                           WHERE r.user_id = recent_signals.user_id AND coalesce(r.written_at, r.created_at) <= at
                           ORDER BY coalesce(r.written_at, r.created_at) DESC, r.id DESC LIMIT 1000)) s
                  ORDER BY s.occurred_at DESC, s.product_id, s.kind LIMIT 1000)
$$;

CREATE FUNCTION user_history(user_id text, k integer DEFAULT 100, half_life double precision DEFAULT 180, as_of timestamptz DEFAULT NULL)
    RETURNS TABLE (product_id bigint, sku text, title text, kinds text[], rating real, weight double precision, last_at timestamptz)
    LANGUAGE plpgsql STABLE ROWS 100 AS $$
DECLARE
    signals shelfmate.person_signal[];
BEGIN
    PERFORM shelfmate.check_k(k), shelfmate.check_positive(half_life, 'half_life');
    as_of := coalesce(as_of, now());
    signals := shelfmate.recent_signals(user_history.user_id, as_of);
    RETURN QUERY
        SELECT p.id, p.sku, p.title, s.kinds, s.rating, w.weight, s.last_at
          FROM shelfmate.weigh_history(signals, half_life, as_of) w
          JOIN shelfmate.products p ON p.id = w.product_id
          JOIN (SELECT u.product_id, array_agg(DISTINCT u.kind ORDER BY u.kind) AS kinds, max(u.occurred_at) AS last_at,
                       (array_agg(u.value ORDER BY u.occurred_at DESC) FILTER (WHERE u.kind = 'rating'))[1] AS rating
                  FROM unnest(signals) u GROUP BY u.product_id) s ON s.product_id = w.product_id
         ORDER BY s.last_at DESC, p.id LIMIT user_history.k;
END $$;

CREATE FUNCTION check_positive(value double precision, field text) RETURNS void LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF value IS NULL OR NOT (value > 0 AND value <= 36500) THEN
        RAISE EXCEPTION '% is %, but must be above 0 and at most 36500 days', field, coalesce(value::text, 'null')
            USING ERRCODE = 'SM005', COLUMN = field;
    END IF;
END $$;

-- What somebody did goes; what they wrote stays with the product, by nobody.
CREATE FUNCTION forget_user(user_id text) RETURNS TABLE (events bigint, reviews bigint) LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM shelfmate.events e WHERE e.user_id = forget_user.user_id;
    GET DIAGNOSTICS events = ROW_COUNT;
    UPDATE shelfmate.reviews r SET user_id = NULL, author = NULL WHERE r.user_id = forget_user.user_id;
    GET DIAGNOSTICS reviews = ROW_COUNT;
    -- Lists that were made for them hold what was known of them.
    DELETE FROM shelfmate.recommendations f WHERE f.kind = 'user' AND f.query->>'user' = forget_user.user_id;
    RETURN NEXT;
END $$;

GRANT SELECT ON user_signals TO analyst;
COMMENT ON VIEW user_signals IS 'What people did with products: every event, and every review whose writer is known as a rating.';
COMMENT ON COLUMN user_signals.user_id IS 'The shop''s key of the person.';
COMMENT ON COLUMN user_signals.product_id IS 'products.id';
COMMENT ON COLUMN user_signals.kind IS 'view, click, like, cart, purchase or rating.';
COMMENT ON COLUMN user_signals.value IS 'Stars from 1 to 5 of a rating; events.value otherwise.';
COMMENT ON COLUMN user_signals.occurred_at IS 'When; of a review written_at, or created_at where that is not known.';
COMMENT ON TYPE person_signal IS 'One thing that somebody did with a product.';
COMMENT ON TYPE weighed_product IS 'A product of a history: its weight in the person''s taste, below 0 where it counts against, and how much it was theirs, from 1 what was bought or rated now to 0.';
COMMENT ON FUNCTION signal_weight(text, real) IS
    'What a signal says of somebody''s taste: 1 a purchase, 0.8 a like, 0.6 a cart, 0.2 a click, 0.1 a view; (stars - 2.5) / 2.5 a rating, and 0 one without stars.';
COMMENT ON FUNCTION weigh_history(person_signal[], double precision, timestamptz) IS
    'The last 100 products of some signals: each weighs as its newest rating, or else as its strongest signal, half after half_life days.';
COMMENT ON FUNCTION recent_signals(text, timestamptz) IS 'The newest 1,000 signals of one person.';
COMMENT ON FUNCTION user_history(text, integer, double precision, timestamptz) IS
    'The last products of one person, newest first: what was done with each, the newest rating, and its weight in their taste. half_life in days.';
COMMENT ON FUNCTION check_positive(double precision, text) IS 'Refuses a number of days that is not above 0.';
COMMENT ON FUNCTION forget_user(text) IS 'Deletes a person''s events and takes their name off their reviews; says how many.';
