-- What is recommended to people, and what is known of them.

-- recommend_for_user: rank a person's list and keep it, in one round trip that does not wait for the disk
WITH fast AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)), page AS MATERIALIZED (
    SELECT p.*
      FROM fast, shelfmate.person_page(
               ARRAY(SELECT r FROM shelfmate.recommend_for_user(
               %(user)s, greatest(%(k)s::integer, 100), %(filter)s::jsonb, %(exclude_seen)s, %(exclude_bought)s, %(exclude)s::text[],
               %(half_life)s, %(interests)s, %(w_popularity)s, %(w_together)s, %(one_per_variant_group)s, %(fallback)s, %(discover)s, %(rules)s,
               %(placement)s, %(space)s, %(exact)s) r ORDER BY r.position),
               %(k)s::integer, %(filter)s::jsonb, %(one_per_variant_group)s) p
), kept AS (
    INSERT INTO shelfmate.recommendations (kind, space_id, query, vectors, items, mode, complete, expires_at)
    SELECT 'user', s.id, %(query)s::jsonb, '{}', p.frozen, p.mode, true, now() + make_interval(secs => %(seconds)s)
      FROM page p, shelfmate.find_space(%(space)s) s
    RETURNING id, space_id, expires_at
)
SELECT k.id, p.items, p.next_position, p.source, p.mode, s.name, k.expires_at
  FROM page p, kept k JOIN shelfmate.embedding_spaces s ON s.id = k.space_id;

-- recommend_for_session: the same for what a session did, which is not kept
WITH fast AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)), page AS MATERIALIZED (
    SELECT p.*
      FROM fast, shelfmate.person_page(
               ARRAY(SELECT r FROM shelfmate.recommend_for_session(
               %(events)s::jsonb, greatest(%(k)s::integer, 100), %(filter)s::jsonb, %(exclude_seen)s, %(exclude_bought)s,
               %(exclude)s::text[], %(half_life)s, %(interests)s, %(w_popularity)s, %(w_together)s, %(one_per_variant_group)s,
               %(fallback)s, %(discover)s, %(rules)s, %(placement)s, %(space)s, %(exact)s) r ORDER BY r.position),
               %(k)s::integer, %(filter)s::jsonb, %(one_per_variant_group)s) p
), kept AS (
    INSERT INTO shelfmate.recommendations (kind, space_id, query, vectors, items, mode, complete, expires_at)
    SELECT 'session', s.id, %(query)s::jsonb, '{}', p.frozen, p.mode, true, now() + make_interval(secs => %(seconds)s)
      FROM page p, shelfmate.find_space(%(space)s) s
    RETURNING id, space_id, expires_at
)
SELECT k.id, p.items, p.next_position, p.source, p.mode, s.name, k.expires_at
  FROM page p, kept k JOIN shelfmate.embedding_spaces s ON s.id = k.space_id;

-- history: the last products of a person
SELECT h.sku, h.title, h.kinds, h.rating, h.weight, h.last_at
  FROM shelfmate.user_history(%(user)s, %(k)s, %(half_life)s) h ORDER BY h.last_at DESC, h.product_id;

-- interests: what a person's history divides into
SELECT i.interest, i.weight, i.sku, i.title, i.product_weight
  FROM shelfmate.user_interests(%(user)s, %(half_life)s, %(interests)s, %(space)s) i ORDER BY i.interest, i.product_weight DESC, i.sku;

-- forget: what a person did goes, and their name from what they wrote
SELECT f.events, f.reviews FROM shelfmate.forget_user(%(user)s) f;
