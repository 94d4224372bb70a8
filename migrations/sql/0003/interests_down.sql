-- interests.sql undone.
DROP FUNCTION user_interests(text, double precision, integer, text, timestamptz), check_interests(integer),
    find_interests(embedding_spaces, weighed_product[], integer), likeness(double precision, double precision),
    background_vector(embedding_spaces);
DROP TYPE person_interest;
