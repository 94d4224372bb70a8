-- together.sql undone.
DROP VIEW bought_together_pairs;
DROP FUNCTION together_evidence(weighed_product[], timestamptz), bought_together(text, integer, jsonb, integer, timestamptz),
    count_bought_together(), pairs_of(bigint[], integer, timestamptz), count_pairs(bigint[], integer, timestamptz), is_bought_counted();
DROP TYPE bought_product;
DROP TABLE bought_pairs, bought_counts;
