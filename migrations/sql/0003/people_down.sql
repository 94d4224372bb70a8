-- people.sql undone.
DROP FUNCTION recommend_for_history(weighed_product[], integer, jsonb, bigint[], integer, double precision, double precision, boolean, boolean, boolean, embedding_spaces, boolean, timestamptz),
    choose_for_anybody(integer, jsonb, bigint[], boolean, bigint[], timestamptz),
    choose_by_interest(embedding_spaces, person_interest[], weighed_product[], integer, jsonb, bigint[], double precision, double precision, boolean, boolean, boolean, timestamptz),
    little_known(bigint[], timestamptz), near_interests(embedding_spaces, person_interest[], integer, jsonb, bigint[], boolean, bigint[], bigint[]),
    matching_products(bigint[], jsonb), popularity_now(bigint[], timestamptz);
DROP TYPE person_recommendation, person_choice;
