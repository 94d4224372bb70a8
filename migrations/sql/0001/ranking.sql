-- Ranking: one implementation, which SQL and HTTP share.
--
-- The planner's arithmetic, measured at 1,664 dimensions: to sort one match costs 1.7 microseconds, a search of width ef 7.5 ef.
-- Where m of n products match a filter that has nothing to do with the query, the k nearest of them are among the nearest
-- k n / m; the last third of what a graph returns is not relied on. Sort and search then cost the same at
-- m = sqrt(4.4 * 1.5 k n). A sort is always right and never has to be repeated, so it is preferred up to 1.4 times that.

ALTER TABLE embedding_spaces ADD COLUMN ef_search integer NOT NULL DEFAULT 60
    CONSTRAINT embedding_spaces_ef_search_check CHECK (ef_search BETWEEN 20 AND 1000);

CREATE TYPE ranked_product AS (
    product_id bigint, score double precision,
    text double precision, image double precision, reviews double precision, mode text
);
CREATE TYPE candidate_list AS (product_ids bigint[], mode text, is_all boolean);

-- Loads pgvector: while its settings are unknown, only a superuser may name them in a function.
SELECT '[0]'::halfvec;

-- How strongly a query asks for text, image and reviews against how strongly the space stores them; null for what it lacks.
CREATE FUNCTION query_strengths(space embedding_spaces, query halfvec) RETURNS double precision[] LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    text_dimensions integer := space.text_dimensions;
    image_dimensions integer := space.image_dimensions;
    reviews_dimensions integer := space.reviews_dimensions;
BEGIN
    RETURN ARRAY[
        CASE WHEN text_dimensions > 0 THEN l2_norm(subvector(query, 1, text_dimensions)) / sqrt(space.text_weight) END,
        CASE WHEN image_dimensions > 0
             THEN l2_norm(subvector(query, 1 + text_dimensions, image_dimensions)) / sqrt(space.image_weight) END,
        CASE WHEN reviews_dimensions > 0
             THEN l2_norm(subvector(query, 1 + text_dimensions + image_dimensions, reviews_dimensions))
                  / sqrt(space.reviews_weight) END];
END $$;

CREATE FUNCTION find_candidates(
    space embedding_spaces, query halfvec, k integer, filter jsonb DEFAULT NULL,
    exclude bigint[] DEFAULT '{}', exact boolean DEFAULT false, origins bigint[] DEFAULT '{}', check_categories boolean DEFAULT true
) RETURNS candidate_list LANGUAGE plpgsql STABLE
    SET search_path FROM CURRENT
    SET hnsw.iterative_scan = relaxed_order
    SET hnsw.ef_search = 100
    SET hnsw.max_scan_tuples = 20000
AS $$
DECLARE
    most_ef CONSTANT integer := 1000;
    -- Fetched beside the k, so that ties at the end are broken by product and not by the graph.
    tie_margin CONSTANT integer := 10;
    condition text := shelfmate.filter_condition(filter, '$2', check_categories);
    source text := format('shelfmate.product_embeddings_%s e', space.id);
    strengths double precision[] := shelfmate.query_strengths(space, query);
    graph text := 'fused';
    operand halfvec := query;
    skew double precision;
    share double precision;
    rows double precision;
    few shelfmate.candidate_list;
    most integer;
    ef integer;
    enough integer;
    statement text;
    hits bigint[];
    origin bigint;
    farthest double precision;
BEGIN
    exclude := coalesce(exclude, '{}');
    origins := ARRAY(SELECT o FROM unnest(origins) o WHERE o <> ALL (exclude));
    exact := coalesce(exact, false);
    IF NOT exact THEN
        skew := greatest(strengths[1], strengths[2], strengths[3])
                / least(nullif(strengths[1], 0), nullif(strengths[2], 0), nullif(strengths[3], 0));
        -- One modality alone is found through its own, smaller graph.
        IF space.text_dimensions BETWEEN 1 AND space.fused_dimensions - 1 AND strengths[1] > 0
           AND coalesce(strengths[2], 0) = 0 AND coalesce(strengths[3], 0) = 0 THEN
            graph := 'text';
            operand := subvector(query, 1, space.text_dimensions);
        ELSIF space.image_dimensions BETWEEN 1 AND space.fused_dimensions - 1 AND strengths[2] > 0
              AND coalesce(strengths[1], 0) = 0 AND coalesce(strengths[3], 0) = 0 THEN
            graph := 'image';
            operand := subvector(query, 1 + space.text_dimensions, space.image_dimensions);
        ELSIF space.reviews_dimensions BETWEEN 1 AND space.fused_dimensions - 1 AND strengths[3] > 0
              AND coalesce(strengths[1], 0) = 0 AND coalesce(strengths[2], 0) = 0 THEN
            graph := 'reviews';
            operand := subvector(query, 1 + space.text_dimensions + space.image_dimensions, space.reviews_dimensions);
        END IF;
        rows := shelfmate.estimated_rows(space.id);
        -- Every product is looked at without an index, where the query is zero and all tie, and where a small catalogue is asked
        -- for more than a graph answers well.
        exact := skew IS NULL OR NOT shelfmate.is_indexed(space.id, graph) OR (2 * k > most_ef AND rows <= 50000);
    END IF;

    IF NOT exact THEN
        -- A query that is no product has no witness, and may lie where no product is: it is searched for more widely.
        ef := least(most_ef, greatest(space.ef_search * shelfmate.ef_factor(skew) * CASE WHEN origins = '{}' THEN 3 ELSE 1 END,
                                      2 * (k + tie_margin)))::integer;
        IF condition IS NOT NULL THEN
            most := 1.4 * sqrt(4.4 * 1.5 * k * rows);
            few := shelfmate.find_few(space, query, condition, filter, exclude || origins, k + tie_margin, most);
            IF few.product_ids IS NOT NULL THEN
                RETURN few;
            END IF;
            -- Most of what the graph returns is thrown away, so that the hits lie deeper in it.
            ef := least(most_ef, 4 * ef);
        END IF;
    END IF;

    IF NOT exact THEN
        enough := k + cardinality(origins);
        -- The examples themselves pass every filter: one that should come back and does not is a witness against the graph.
        statement := format(
            'SELECT e.product_id, e.fused <#> $1 AS distance FROM %s WHERE %s ORDER BY e.%I::halfvec(%s) %s $6 LIMIT $4',
            source, CASE WHEN exclude = '{}' THEN 'true' ELSE 'e.product_id <> ALL ($3)' END,
            graph, vector_dims(operand), CASE graph WHEN 'fused' THEN '<#>' ELSE '<=>' END);
        IF condition IS NOT NULL THEN
            statement := format(
                'WITH near AS MATERIALIZED (%s)
                 SELECT n.product_id, n.distance FROM near n JOIN shelfmate.products p ON p.id = n.product_id
                  WHERE (%s OR p.id = ANY ($5)) ORDER BY n.distance, n.product_id LIMIT $7', statement, condition);
        END IF;
        statement := format('SELECT array_agg(h.product_id), max(h.distance) FROM (%s) h', statement);
        -- With a filter the graph is not walked on until enough have come: what lies far away leaks in early over its bridges,
        -- and the walk would end with that. The matches among the nearest are the answer, or there are too few of them.
        IF condition IS NOT NULL THEN
            PERFORM set_config('hnsw.iterative_scan', 'off', true);
        END IF;
        FOR attempt IN 1..3 LOOP
            PERFORM set_config('hnsw.ef_search', ef::text, true);
            EXECUTE statement INTO hits, farthest
              USING query, filter, exclude, CASE WHEN condition IS NULL THEN enough + tie_margin ELSE 2 * ef / 3 END, origins,
                    operand, enough + tie_margin;
            IF shelfmate.is_trusted(space, query, hits, farthest, enough, origins, graph)
               AND (graph <> 'fused' OR origins && hits
                    OR NOT shelfmate.is_contradicted(space, query, hits, farthest, condition, filter, exclude)) THEN
                FOREACH origin IN ARRAY origins LOOP
                    hits := array_remove(hits, origin);
                END LOOP;
                RETURN (hits, 'ann', false)::shelfmate.candidate_list;
            END IF;
            EXIT WHEN ef = most_ef;
            IF coalesce(cardinality(hits), 0) >= enough THEN
                -- A witness is missing: a wider search may find it.
                ef := least(most_ef, 4 * ef);
            ELSE
                -- The share of the neighbourhood that matches says how wide to search. Where it is far below that of all products,
                -- the matches lie elsewhere, and the graph has few ways there: only a sort finds all of them.
                EXIT WHEN condition IS NULL;
                share := coalesce(cardinality(hits) - cardinality(origins), 0) / (2 * ef / 3)::double precision;
                EXIT WHEN share < 0.5 * most / rows OR 2.2 * (k + 1) / share > most_ef;
                ef := least(most_ef, greatest(1.2 * ef, 2.2 * (k + 1) / share))::integer;
            END IF;
        END LOOP;
    END IF;

    EXECUTE format('SELECT array_agg(h.product_id) FROM (
                        SELECT e.product_id FROM %s WHERE e.product_id <> ALL ($3) AND %s
                         ORDER BY e.fused <#> $1, e.product_id LIMIT $4) h',
                   source || CASE WHEN condition IS NULL THEN '' ELSE ' JOIN shelfmate.products p ON p.id = e.product_id' END,
                   coalesce(condition, 'true'))
       INTO hits USING query, filter, exclude || origins, k + tie_margin;
    RETURN (coalesce(hits, '{}'), 'exact', coalesce(cardinality(hits), 0) < k + tie_margin)::shelfmate.candidate_list;
END $$;

CREATE FUNCTION find_few(
    space embedding_spaces, query halfvec, condition text, filter jsonb, exclude bigint[], depth integer, most integer
) RETURNS candidate_list LANGUAGE plpgsql STABLE AS $$
DECLARE
    matching bigint[];
    hits bigint[];
BEGIN
    EXECUTE format('SELECT array_agg(few.id) FROM (SELECT p.id FROM shelfmate.products p WHERE %s LIMIT $1) few', condition)
       INTO matching USING most + 1, filter;
    IF cardinality(matching) > most THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(h.product_id) INTO hits
      FROM (SELECT e.product_id FROM shelfmate.product_embeddings e
             WHERE e.space_id = space.id AND e.product_id = ANY (matching) AND e.product_id <> ALL (find_few.exclude)
             ORDER BY e.fused <#> query, e.product_id LIMIT depth) h;
    RETURN (coalesce(hits, '{}'), 'exact', coalesce(cardinality(hits), 0) < depth)::shelfmate.candidate_list;
END $$;

CREATE FUNCTION is_trusted(
    space embedding_spaces, query halfvec, hits bigint[], farthest double precision, enough integer, origins bigint[], column_name text
) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF hits IS NULL OR cardinality(hits) < enough THEN
        RETURN false;
    END IF;
    -- A product without the one modality that is asked for scores 0, but is not in that modality's graph.
    IF column_name <> 'fused' AND farthest >= 0 THEN
        RETURN false;
    END IF;
    RETURN origins <@ hits OR NOT EXISTS (
        SELECT FROM shelfmate.product_embeddings e
         WHERE e.space_id = space.id AND e.product_id = ANY (origins) AND e.product_id <> ALL (hits)
           AND e.fused <#> query < farthest);
END $$;

-- Where no example is near, the graphs of the single modalities bear witness: what is nearest in one of them and belongs among the
-- hits, but is not there, has been missed.
CREATE FUNCTION is_contradicted(
    space embedding_spaces, query halfvec, hits bigint[], farthest double precision, condition text, filter jsonb, exclude bigint[]
) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    dimensions integer[] := ARRAY[space.text_dimensions, space.image_dimensions, space.reviews_dimensions];
    graphs text[] := '{text,image,reviews}';
    first integer := 1;
    block halfvec;
    missed boolean;
BEGIN
    FOR modality IN 1..3 LOOP
        CONTINUE WHEN dimensions[modality] = 0;
        block := subvector(query, first, dimensions[modality]);
        first := first + dimensions[modality];
        CONTINUE WHEN l2_norm(block) = 0 OR NOT shelfmate.is_indexed(space.id, graphs[modality]);
        EXECUTE format(
            'WITH near AS MATERIALIZED (SELECT e.product_id, e.fused <#> $1 AS distance FROM shelfmate.product_embeddings_%s e
                                         ORDER BY e.%I::halfvec(%s) <=> $6 LIMIT 20)
             SELECT EXISTS (SELECT FROM near n JOIN shelfmate.products p ON p.id = n.product_id
                             WHERE n.distance < $3 AND n.product_id <> ALL ($4) AND n.product_id <> ALL ($5) AND %s)',
            space.id, graphs[modality], dimensions[modality],
            coalesce(condition, 'true'))
           INTO missed USING query, filter, farthest, hits, exclude, block;
        IF missed THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END $$;

-- A graph of both modalities is walked by their joint distance: the more unevenly a query weighs them, the wider it must look.
CREATE FUNCTION ef_factor(skew double precision) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
    SELECT least(5, greatest(1, 0.6 * sqrt(skew)))
$$;

CREATE FUNCTION estimated_rows(space_id integer) RETURNS double precision LANGUAGE sql STABLE AS $$
    SELECT greatest(1, c.reltuples) FROM pg_class c WHERE c.oid = to_regclass(format('shelfmate.product_embeddings_%s', space_id))
$$;

-- factors multiply the parts of the score, and the query that is searched for: weights of the modalities, in units of the space's.
CREATE FUNCTION rank_products(
    space embedding_spaces, query halfvec, k integer, filter jsonb DEFAULT NULL,
    exclude bigint[] DEFAULT '{}', exact boolean DEFAULT false, origins bigint[] DEFAULT '{}',
    factors double precision[] DEFAULT NULL
) RETURNS SETOF ranked_product LANGUAGE plpgsql STABLE ROWS 10
    SET search_path FROM CURRENT
AS $$
DECLARE
    candidates shelfmate.candidate_list;
    text_query halfvec := CASE WHEN space.text_dimensions > 0 THEN subvector(query, 1, space.text_dimensions) END;
    image_query halfvec := CASE WHEN space.image_dimensions > 0
        THEN subvector(query, 1 + space.text_dimensions, space.image_dimensions) END;
    reviews_query halfvec := CASE WHEN space.reviews_dimensions > 0
        THEN subvector(query, 1 + space.text_dimensions + space.image_dimensions, space.reviews_dimensions) END;
    searched halfvec := query;
BEGIN
    PERFORM shelfmate.check_k(k);
    IF least(factors[1], factors[2], factors[3]) <> 1 OR greatest(factors[1], factors[2], factors[3]) <> 1 THEN
        searched := shelfmate.weigh_query(space, query, factors);
    END IF;
    candidates := shelfmate.find_candidates(space, searched, k, filter, exclude, exact, origins);
    RETURN QUERY
        SELECT part.product_id, coalesce(part.text, 0) + coalesce(part.image, 0) + coalesce(part.reviews, 0) AS score,
               part.text, part.image, part.reviews, candidates.mode
          FROM (SELECT e.product_id,
                       CASE WHEN space.text_dimensions > 0
                            THEN coalesce(factors[1], 1) * -(subvector(e.fused, 1, space.text_dimensions) <#> text_query)
                       END AS text,
                       CASE WHEN space.image_dimensions > 0
                            THEN coalesce(factors[2], 1)
                                 * -(subvector(e.fused, 1 + space.text_dimensions, space.image_dimensions) <#> image_query)
                       END AS image,
                       CASE WHEN space.reviews_dimensions > 0
                            THEN coalesce(factors[3], 1)
                                 * -(subvector(e.fused, 1 + space.text_dimensions + space.image_dimensions,
                                               space.reviews_dimensions) <#> reviews_query)
                       END AS reviews
                  FROM shelfmate.product_embeddings e
                 WHERE e.space_id = space.id AND e.product_id = ANY (candidates.product_ids)) part
         ORDER BY score DESC, part.product_id
         LIMIT k;
END $$;

CREATE FUNCTION check_k(k integer) RETURNS void LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF k IS NULL OR k < 1 OR k > 1000 THEN
        RAISE EXCEPTION 'k is %, but must lie between 1 and 1000', coalesce(k::text, 'null')
            USING ERRCODE = 'SM005', COLUMN = 'k';
    END IF;
END $$;

COMMENT ON COLUMN embedding_spaces.ef_search IS 'How many candidates the HNSW graph keeps while it searches; upkeep tunes it to the target recall.';
COMMENT ON TYPE ranked_product IS 'A product''s place in a ranking: score and the part of each modality in it, which add up to it.';
COMMENT ON TYPE candidate_list IS 'Products that may rank first, how they were found, and whether no other product matches.';
COMMENT ON FUNCTION query_strengths(embedding_spaces, halfvec) IS
    'How strongly a query asks for text, image and reviews, in units of the space''s own weights; null for a modality the space lacks.';
COMMENT ON FUNCTION find_candidates(embedding_spaces, halfvec, integer, jsonb, bigint[], boolean, bigint[], boolean) IS
    'The planner: ids of the first k products and some more for a query vector that satisfy the filter, or all that exist; filter first where few match, the graph where many do, an exact sort where either is in doubt.';
COMMENT ON FUNCTION find_few(embedding_spaces, halfvec, text, jsonb, bigint[], integer, integer) IS
    'Where at most so many products match a filter: the first of them by an exact sort; null where more do.';
COMMENT ON FUNCTION is_trusted(embedding_spaces, halfvec, bigint[], double precision, integer, bigint[], text) IS
    'Whether a graph''s answer is long enough and has the examples themselves where they belong.';
COMMENT ON FUNCTION is_contradicted(embedding_spaces, halfvec, bigint[], double precision, text, jsonb, bigint[]) IS
    'Whether the graph of a single modality knows a product that belongs among the hits and is not there.';
COMMENT ON FUNCTION ef_factor(double precision) IS 'How many times wider a graph is searched when the modalities are weighed unevenly.';
COMMENT ON FUNCTION estimated_rows(integer) IS 'About how many products an embedding space holds.';
COMMENT ON FUNCTION rank_products(embedding_spaces, halfvec, integer, jsonb, bigint[], boolean, bigint[], double precision[]) IS
    'The k best products for a query vector that satisfy the filter, or all that exist. origins are examples: left out of the answer, and witnesses of its recall. factors multiply the parts of text, image and reviews.';
COMMENT ON FUNCTION check_k(integer) IS 'Refuses a k that is not between 1 and 1000.';
