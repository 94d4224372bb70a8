DROP FUNCTION rank_tail(recommendations);
ALTER FUNCTION rank_tail_of_taste(recommendations) RENAME TO rank_tail;
COMMENT ON FUNCTION rank_tail(recommendations) IS 'What follows the first page of a frozen list, best first; products may come twice.';
DROP FUNCTION first_list_page(text, jsonb), rank_list(text, jsonb), check_list_query(text, jsonb);
