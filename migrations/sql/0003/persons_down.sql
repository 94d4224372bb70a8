-- persons.sql undone.
DROP FUNCTION person_page(person_recommendation[], integer, jsonb, boolean),
    recommend_for_session(jsonb, integer, jsonb, boolean, boolean, text[], double precision, integer, double precision, double precision, boolean, boolean, boolean, boolean, text, text, boolean),
    read_session(jsonb),
    recommend_for_user(text, integer, jsonb, boolean, boolean, text[], double precision, integer, double precision, double precision, boolean, boolean, boolean, boolean, text, text, boolean, timestamptz),
    check_person_options(integer, double precision, integer, double precision, double precision), person_filter(jsonb, boolean, text);
