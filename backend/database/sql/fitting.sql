-- What projections are fitted on: a sample of products, their texts and photographs, and the links among them.

-- sample: so many products at random, variant groups whole; a group of half the catalogue is cut by most
SELECT s.id, s.variant_group, s.category
  FROM (SELECT p.id, p.variant_group, p.category
          FROM shelfmate.products p
         WHERE %(only)s::bigint[] IS NULL OR p.id = ANY (%(only)s::bigint[])
         ORDER BY hashtextextended(coalesce('group ' || p.variant_group, 'product ' || p.id), %(seed)s)
         FETCH FIRST (%(sample)s) ROWS WITH TIES) s
 ORDER BY s.id LIMIT %(most)s;

-- texts: what texts are made of
SELECT id, CASE WHEN title = sku THEN '' ELSE title END AS title, description, brand, attributes, price FROM shelfmate.products WHERE id = ANY (%(ids)s);

-- photographs: the first photographs of these products
SELECT f.product_id, f.content
  FROM unnest(%(ids)s::bigint[]) p (id)
  CROSS JOIN LATERAL (SELECT i.product_id, i.position, i.content FROM shelfmate.product_images i
                       WHERE i.product_id = p.id ORDER BY i.position LIMIT %(most_photographs)s) f
 ORDER BY f.product_id, f.position;

-- first_photographs: by which products of one and the same photograph are known
SELECT DISTINCT ON (product_id) product_id, sha256 FROM shelfmate.product_images
 WHERE product_id = ANY (%(ids)s) ORDER BY product_id, position;

-- baskets: who bought which of these products, the latest of each
SELECT user_id, product_id
  FROM (SELECT e.user_id, e.product_id,
               row_number() OVER (PARTITION BY e.user_id ORDER BY max(e.occurred_at) DESC, e.product_id) AS place
          FROM shelfmate.events e WHERE e.kind = 'purchase' AND e.product_id = ANY (%(ids)s)
         GROUP BY e.user_id, e.product_id) b
 WHERE place <= %(most)s ORDER BY user_id, product_id;

-- stored_texts: unit rows that another space keeps, and the hash of the texts that they are of
SELECT product_id, text, text_hash FROM shelfmate.product_embeddings
 WHERE space_id = %(space_id)s AND product_id = ANY (%(ids)s) AND text IS NOT NULL AND text_hash IS NOT NULL;

-- stored_images: unit rows that another space keeps of the photographs that the products still have
SELECT e.product_id, e.image
  FROM shelfmate.product_embeddings e
  CROSS JOIN LATERAL (SELECT array_agg(i.sha256 ORDER BY i.position) AS hashes,
                             string_agg(i.sha256, '' ORDER BY i.position) AS joined
                        FROM (SELECT sha256, position FROM shelfmate.product_images
                               WHERE product_id = e.product_id ORDER BY position LIMIT %(most_photographs)s) i) f
 WHERE e.space_id = %(space_id)s AND e.product_id = ANY (%(ids)s) AND e.image IS NOT NULL
   AND e.image_hash = CASE cardinality(f.hashes) WHEN 1 THEN f.hashes[1] ELSE sha256(f.joined) END;

-- few_valued_attributes: those that most products have, as text of few values
WITH looked_at AS MATERIALIZED (
    SELECT p.attributes FROM shelfmate.products p
     WHERE %(only)s::bigint[] IS NULL OR p.id = ANY (%(only)s::bigint[])
     ORDER BY hashint8(p.id) LIMIT %(sample)s
)
SELECT a.key
  FROM looked_at p CROSS JOIN LATERAL jsonb_each_text(p.attributes) a
 WHERE jsonb_typeof(p.attributes -> a.key) = 'string' AND a.value <> '' AND a.key !~ '[+,:]' AND length(a.key) <= 100
 GROUP BY a.key
HAVING count(*) >= %(share)s * (SELECT count(*) FROM looked_at) AND count(DISTINCT a.value) BETWEEN 2 AND least(%(most_values)s, count(*) / 2)
 ORDER BY a.key LIMIT %(most)s;

-- reviews: what is encoded of some reviews of these products, at random
SELECT shelfmate.review_text(r.title, r.body)
  FROM shelfmate.reviews r
 WHERE r.product_id = ANY (%(ids)s::bigint[]) AND shelfmate.review_text(r.title, r.body) <> ''
 ORDER BY hashint8extended(r.id, %(seed)s) LIMIT %(most)s;
