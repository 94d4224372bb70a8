-- Diversity: a list in which products do not crowd out what is unlike them.

CREATE FUNCTION diversify(
    space embedding_spaces, product_ids bigint[], scores double precision[], k integer, diversity double precision
) RETURNS bigint[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    ids bigint[];
    worths double precision[];
    vectors halfvec[];
    -- The value of each product so far: its worth less its greatest likeness to a chosen one. Below any number: chosen.
    standings double precision[];
    standing double precision;
    best double precision;
    next_one integer;
    newest halfvec;
    chosen bigint[] := '{}';
BEGIN
    IF k IS NULL OR k < 1 THEN
        RAISE EXCEPTION 'k is %, but must be 1 or more', coalesce(k::text, 'null') USING ERRCODE = 'SM005', COLUMN = 'k';
    ELSIF diversity IS NULL OR NOT diversity BETWEEN 0 AND 1 THEN
        RAISE EXCEPTION 'diversity is %, but must lie between 0 and 1', coalesce(diversity::text, 'null')
            USING ERRCODE = 'SM005', COLUMN = 'diversity';
    ELSIF cardinality(product_ids) IS DISTINCT FROM cardinality(scores) OR product_ids IS NULL
          OR EXISTS (SELECT FROM unnest(scores) s (score) WHERE coalesce(abs(s.score), 'NaN') >= 'Infinity') THEN
        RAISE EXCEPTION 'each product needs one score, a finite number' USING ERRCODE = 'SM005', COLUMN = 'scores';
    END IF;
    IF diversity = 0 OR cardinality(product_ids) = 0 THEN
        RETURN ARRAY(SELECT c.id FROM unnest(product_ids, scores) c (id, score) ORDER BY c.score DESC, c.id LIMIT k);
    END IF;
    -- What has no vector here is like nothing: zeros.
    EXECUTE format(
        'SELECT array_agg(c.id), array_agg((1 - $3) * c.score), array_agg(coalesce(c.fused, $4))
           FROM (SELECT i.id, i.score, e.fused
                   FROM unnest($1, $2) i (id, score) LEFT JOIN shelfmate.product_embeddings_%s e ON e.product_id = i.id
                  ORDER BY i.id) c', space.id)
       INTO ids, worths, vectors
      USING product_ids, scores, diversity, array_fill(0::real, ARRAY[space.fused_dimensions])::halfvec;
    -- The first is the one that scores best, also at diversity 1, where no score counts any more.
    SELECT c.place INTO next_one FROM unnest(product_ids, scores) i (id, score)
      JOIN unnest(ids) WITH ORDINALITY c (id, place) USING (id) ORDER BY i.score DESC, i.id LIMIT 1;
    standings := array_fill('Infinity'::double precision, ARRAY[cardinality(ids)]);
    -- A plain loop: an aggregate over the arrays for each choice is slower, a recursive query 13 times.
    WHILE next_one IS NOT NULL LOOP
        chosen := chosen || ids[next_one];
        EXIT WHEN cardinality(chosen) = k;
        newest := vectors[next_one];
        standings[next_one] := '-Infinity';
        best := '-Infinity';
        next_one := NULL;
        FOR place IN 1 .. cardinality(ids) LOOP
            CONTINUE WHEN standings[place] = '-Infinity';
            standing := worths[place] + diversity * (vectors[place] <#> newest);
            IF standing < standings[place] THEN
                standings[place] := standing;
            ELSE
                standing := standings[place];
            END IF;
            -- In the order of the ids, so that the lowest wins a tie.
            IF standing > best THEN
                best := standing;
                next_one := place;
            END IF;
        END LOOP;
    END LOOP;
    RETURN chosen;
END $$;

COMMENT ON FUNCTION diversify(embedding_spaces, bigint[], double precision[], integer, double precision) IS
    'Up to k of the products by maximal marginal relevance: each time the greatest (1 - diversity) * score - diversity * likeness to the most alike of those before it. The best score comes first, ties break by id; 0 orders by score alone.';
