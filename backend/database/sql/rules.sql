-- Ranking rules, as backend/recommend/rules.py reads and writes them.

-- read: rules in the order in which they apply, of one name or all, with their state and what they name that does not exist
SELECT r.id, r.name, r.action, r.filter, r.amount, r.sku, r.position, r.placement, r.starts_at, r.ends_at, r.enabled, r.note,
       r.created_at, r.updated_at, shelfmate.rule_state(r) AS state,
       ARRAY(SELECT DISTINCT c.path
               FROM jsonb_path_query(r.filter, 'lax $.**.under') u (paths),
                    LATERAL (SELECT e #>> '{}' FROM jsonb_path_query(u.paths, 'lax $[*]') e) c (path)
              WHERE NOT EXISTS (SELECT FROM shelfmate.categories k WHERE k.path = c.path)
              UNION ALL
             SELECT r.sku WHERE r.sku IS NOT NULL AND NOT EXISTS (SELECT FROM shelfmate.products p WHERE p.sku = r.sku)
              ORDER BY 1) AS missing
  FROM shelfmate.ranking_rules r
 WHERE %(name)s::text IS NULL OR r.name = %(name)s
 ORDER BY r.id;

-- create: store a rule of a new name
INSERT INTO shelfmate.ranking_rules
       (name, action, filter, amount, sku, position, placement, starts_at, ends_at, enabled, note)
VALUES (%(name)s, %(action)s, %(filter)s, %(amount)s, %(sku)s, %(position)s, %(placement)s, %(starts_at)s, %(ends_at)s,
        %(enabled)s, %(note)s);

-- lock: when a rule was last changed; it stays so until the transaction ends
SELECT r.updated_at FROM shelfmate.ranking_rules r WHERE r.name = %(name)s FOR NO KEY UPDATE;

-- replace: all of a rule but its name
UPDATE shelfmate.ranking_rules r
   SET action = %(action)s, filter = %(filter)s, amount = %(amount)s, sku = %(sku)s, position = %(position)s,
       placement = %(placement)s, starts_at = %(starts_at)s, ends_at = %(ends_at)s, enabled = %(enabled)s, note = %(note)s
 WHERE r.name = %(name)s;

-- enable: switch a rule on or off
UPDATE shelfmate.ranking_rules r SET enabled = %(enabled)s WHERE r.name = %(name)s;

-- delete: remove a rule
DELETE FROM shelfmate.ranking_rules r WHERE r.name = %(name)s;

-- count_matches: how many products satisfy a filter
SELECT shelfmate.count_matches(%(filter)s, %(check_categories)s);

-- count_all_matches: how many products each rule's filter holds for
SELECT r.name, shelfmate.count_matches(r.filter, false) FROM shelfmate.ranking_rules r WHERE r.filter IS NOT NULL;

-- examples: the newest products that satisfy a filter, to show
SELECT p.sku FROM shelfmate.newest_products(%(k)s, %(filter)s, '{}', false) n JOIN shelfmate.products p ON p.id = n.product_id
 ORDER BY n.score DESC, p.id;

-- brands: the brands of the catalogue, those of most products first
SELECT p.brand FROM shelfmate.products p WHERE p.brand <> '' GROUP BY p.brand ORDER BY count(*) DESC, p.brand LIMIT 200;
