-- How good a space is: what is asked of it, its answers, its size.

-- spaces: the spaces of these names, with what single modalities they have
SELECT s.id, s.name, s.state, s.text_dimensions, s.image_dimensions, s.reviews_dimensions, s.fused_dimensions,
       (SELECT count(*) FROM shelfmate.product_embeddings e WHERE e.space_id = s.id) AS embedded
  FROM shelfmate.embedding_spaces s WHERE s.name = ANY (%(names)s);

-- fill: products of the catalogue, and those that a space holds, waits for and could not embed
SELECT (SELECT count(*) FROM shelfmate.products) AS products,
       (SELECT count(*) FROM shelfmate.product_embeddings e WHERE e.space_id = %(space_id)s) AS embedded,
       count(*) FILTER (WHERE j.state <> 'dead') AS waiting, count(*) FILTER (WHERE j.state = 'dead') AS dead
  FROM shelfmate.embedding_jobs j WHERE j.space_id = %(space_id)s;

-- held: how many products every given space holds
SELECT count(*) FROM (SELECT FROM shelfmate.product_embeddings e WHERE e.space_id = ANY (%(space_ids)s)
                       GROUP BY e.product_id HAVING count(*) = cardinality(%(space_ids)s::integer[])) held;

-- any_products: a sample of the products that every given space holds
SELECT p.id, p.sku
  FROM (SELECT e.product_id FROM shelfmate.product_embeddings e WHERE e.space_id = ANY (%(space_ids)s)
         GROUP BY e.product_id HAVING count(*) = cardinality(%(space_ids)s::integer[])) held
  JOIN shelfmate.products p ON p.id = held.product_id
 ORDER BY hashtextextended(p.sku, %(seed)s), p.id LIMIT %(sample)s;

-- same_category: the same of products in whose category there are others, with how many
WITH held AS MATERIALIZED (
    SELECT e.product_id FROM shelfmate.product_embeddings e WHERE e.space_id = ANY (%(space_ids)s)
     GROUP BY e.product_id HAVING count(*) = cardinality(%(space_ids)s::integer[])
), sized AS (
    SELECT p.id, p.sku, p.category, count(*) OVER (PARTITION BY p.category) - 1 AS others
      FROM held JOIN shelfmate.products p ON p.id = held.product_id WHERE p.category IS NOT NULL
)
SELECT id, sku, category, others FROM sized WHERE others > 0
 ORDER BY hashtextextended(sku, %(seed)s), id LIMIT %(sample)s;

-- variants: the same of products of variant groups, with the group and its other members
WITH held AS MATERIALIZED (
    SELECT e.product_id FROM shelfmate.product_embeddings e WHERE e.space_id = ANY (%(space_ids)s)
     GROUP BY e.product_id HAVING count(*) = cardinality(%(space_ids)s::integer[])
), grouped AS MATERIALIZED (
    SELECT p.id, p.sku, p.variant_group, count(*) OVER (PARTITION BY p.variant_group) AS members
      FROM held JOIN shelfmate.products p ON p.id = held.product_id WHERE p.variant_group IS NOT NULL
), sampled AS MATERIALIZED (
    SELECT * FROM grouped WHERE members > 1 ORDER BY hashtextextended(sku, %(seed)s), id LIMIT %(sample)s
), groups AS (
    SELECT g.variant_group, array_agg(g.id) AS members FROM grouped g
     WHERE g.variant_group IN (SELECT s.variant_group FROM sampled s) GROUP BY g.variant_group
)
SELECT s.id, s.sku, s.variant_group, array_remove(g.members, s.id)
  FROM sampled s JOIN groups g USING (variant_group)
 ORDER BY hashtextextended(s.sku, %(seed)s), s.id;

-- purchases: a sample of purchases by users who bought several products, though not very many, with the user and what else was bought
WITH held AS MATERIALIZED (
    SELECT e.product_id FROM shelfmate.product_embeddings e WHERE e.space_id = ANY (%(space_ids)s)
     GROUP BY e.product_id HAVING count(*) = cardinality(%(space_ids)s::integer[])
), bought AS MATERIALIZED (
    SELECT DISTINCT v.user_id, v.product_id FROM shelfmate.events v JOIN held USING (product_id) WHERE v.kind = 'purchase'
), sized AS (
    SELECT b.user_id, b.product_id, count(*) OVER (PARTITION BY b.user_id) AS products FROM bought b
), sampled AS MATERIALIZED (
    SELECT z.user_id, p.id, p.sku, hashtextextended(p.sku || ' ' || z.user_id, %(seed)s) AS place
      FROM sized z JOIN shelfmate.products p ON p.id = z.product_id
     WHERE z.products BETWEEN 2 AND %(most)s ORDER BY place, p.id, z.user_id LIMIT %(sample)s
), baskets AS (
    SELECT b.user_id, array_agg(b.product_id) AS products FROM bought b
     WHERE b.user_id IN (SELECT s.user_id FROM sampled s) GROUP BY b.user_id
)
SELECT s.id, s.sku, s.user_id, array_remove(b.products, s.id)
  FROM sampled s JOIN baskets b USING (user_id)
 ORDER BY s.place, s.id, s.user_id;

-- lacking: which of these products have no text, which no image, and which no reviews, in a space
SELECT coalesce(array_agg(e.product_id) FILTER (WHERE e.text IS NULL), '{}'),
       coalesce(array_agg(e.product_id) FILTER (WHERE e.image IS NULL), '{}'),
       coalesce(array_agg(e.product_id) FILTER (WHERE e.reviews IS NULL), '{}')
  FROM shelfmate.product_embeddings e WHERE e.space_id = %(space_id)s AND e.product_id = ANY (%(product_ids)s);

-- similar: what a user gets
SELECT r.product_id, r.score, r.mode, r.category
  FROM shelfmate.similar_products(%(sku)s, %(k)s, space => %(space)s) r
 ORDER BY r.score DESC, r.product_id;

-- similar_weighted: the same with weights
SELECT r.product_id, r.score, r.mode, r.category
  FROM shelfmate.similar_products(%(sku)s, %(k)s, space => %(space)s, w_text => %(w_text)s, w_image => %(w_image)s,
                                 w_reviews => %(w_reviews)s) r
 ORDER BY r.score DESC, r.product_id;

-- similar_exact: the same without an index
SELECT r.product_id, r.score, r.mode, r.category
  FROM shelfmate.similar_products_exact(%(sku)s, %(k)s, space => %(space)s) r
 ORDER BY r.score DESC, r.product_id;

-- size: bytes of a space's rows, of what is stored out of line, of its key and of each HNSW index; and a fused vector's
SELECT (SELECT count(*) FROM shelfmate.product_embeddings e WHERE e.space_id = %(space_id)s) AS products,
       pg_relation_size(t.oid) AS rows,
       CASE WHEN t.reltoastrelid = 0 THEN 0 ELSE pg_total_relation_size(t.reltoastrelid) END AS out_of_line,
       (SELECT coalesce(sum(pg_relation_size(i.indexrelid)), 0)::bigint FROM pg_index i
         WHERE i.indrelid = t.oid AND i.indisprimary) AS key,
       (SELECT coalesce(sum(pg_relation_size(i.indexrelid)), 0)::bigint FROM pg_index i
         WHERE i.indexrelid = to_regclass(format('shelfmate.product_embeddings_%%s_fused_hnsw', %(space_id)s::integer))
           AND i.indisvalid) AS fused_index,
       (SELECT coalesce(sum(pg_relation_size(i.indexrelid)), 0)::bigint
          FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
         WHERE i.indrelid = t.oid AND i.indisvalid AND x.relname ~ '_(text|image|reviews)_hnsw$') AS other_indexes,
       (SELECT coalesce(avg(pg_column_size(e.fused)), 0)::double precision
          FROM shelfmate.product_embeddings e WHERE e.space_id = %(space_id)s) AS fused_value
  FROM pg_class t WHERE t.oid = to_regclass(format('shelfmate.product_embeddings_%%s', %(space_id)s::integer));
