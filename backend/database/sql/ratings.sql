-- Trained rating models and what they predict of products. Parameters are psycopg's %(name)s.

-- list: every model without its weights, the defaults and the newest first
SELECT m.id, m.name, m.form, m.format, m.fingerprint, m.digest, m.is_default, m.created_at, octet_length(m.weights) AS size
  FROM rating_models m
 ORDER BY m.is_default DESC, m.created_at DESC, m.id DESC;

-- find: the model of a name; without one the default among those that read reviews
SELECT m.id, m.name, m.form, m.format, m.fingerprint, m.digest, m.is_default, m.created_at, octet_length(m.weights) AS size
  FROM rating_models m
 WHERE CASE WHEN %(name)s::text IS NULL THEN m.is_default AND m.form <> 'product-ridge' ELSE m.name = %(name)s END;

-- weights: the bytes of a model, as long as it is this one
SELECT m.weights FROM rating_models m WHERE m.id = %(id)s AND m.digest = %(digest)s;

-- report: what was measured when a model was trained
SELECT m.report FROM rating_models m WHERE m.id = %(id)s;

-- reports: the same of every model
SELECT m.id, m.report FROM rating_models m;

-- names: which of these are taken
SELECT m.name FROM rating_models m WHERE m.name = ANY (%(names)s);

-- save: store a model under a new name
INSERT INTO rating_models (name, form, fingerprint, format, digest, report, weights)
VALUES (%(name)s, %(form)s, %(fingerprint)s, %(format)s, %(digest)s, %(report)s, %(weights)s)
ON CONFLICT (name) DO NOTHING RETURNING id;

-- unset_default: no model is the default among those that read what this one reads
UPDATE rating_models SET is_default = false
 WHERE is_default AND (form = 'product-ridge') = (%(form)s = 'product-ridge');

-- set_default: this one answers where none is named
UPDATE rating_models SET is_default = true WHERE id = %(id)s;

-- delete: forget a model, and what it predicted
DELETE FROM rating_models WHERE name = %(name)s RETURNING form, is_default;

-- newest: the model that becomes the default after the default was deleted
SELECT m.id FROM rating_models m
 WHERE (m.form = 'product-ridge') = (%(form)s = 'product-ridge')
 ORDER BY m.created_at DESC, m.id DESC LIMIT 1;

-- one_at_a_time: whoever changes which model is the default waits for whoever does
SELECT pg_advisory_xact_lock(hashtextextended('shelfmate rating models', 0));

-- photographs: the first photograph of each of these products
SELECT p.sku, i.content
  FROM products p
  LEFT JOIN LATERAL (SELECT i.content FROM product_images i WHERE i.product_id = p.id ORDER BY i.position LIMIT 1) i ON true
 WHERE p.sku = ANY (%(skus)s);

-- reviewed: products with reviews and vectors in a space: the vectors, and how often each rating was given
SELECT p.id, coalesce(p.variant_group, '#' || p.id), e.text, e.image, c.stars
  FROM products p
  JOIN product_embeddings e ON e.product_id = p.id AND e.space_id = %(space_id)s
  JOIN LATERAL (SELECT ARRAY[count(*) FILTER (WHERE r.rating = 1), count(*) FILTER (WHERE r.rating = 2),
                             count(*) FILTER (WHERE r.rating = 3), count(*) FILTER (WHERE r.rating = 4),
                             count(*) FILTER (WHERE r.rating = 5)]::integer[] AS stars
                  FROM reviews r WHERE r.product_id = p.id) c ON true
 WHERE p.review_count > 0
 ORDER BY p.id;

-- unrated: products without reviews that have vectors in a space
SELECT p.id, e.embedded_at, e.text, e.image
  FROM products p
  JOIN product_embeddings e ON e.product_id = p.id AND e.space_id = %(space_id)s
 WHERE p.review_count = 0
 ORDER BY p.id;

-- forget_predictions: drop what was predicted before
DELETE FROM product_rating_predictions;

-- predict: keep what a model expects of one product
INSERT INTO product_rating_predictions (product_id, model_id, space_id, embedded_at, expected, probabilities)
SELECT p.id, %(model_id)s, %(space_id)s, %(embedded_at)s, %(expected)s, %(probabilities)s
  FROM products p WHERE p.id = %(product_id)s;

-- predictions: what was predicted, the highest first
SELECT v.sku, v.title, v.expected, v.probabilities, v.model, v.predicted_at, v.stale
  FROM predicted_ratings v ORDER BY v.expected DESC, v.sku LIMIT %(limit)s;

-- count_predictions: how many products have a prediction, and how many of them are stale
SELECT count(*), count(*) FILTER (WHERE v.stale) FROM predicted_ratings v;
