-- Functions of 0001 that were made again, described and guarded as they were.
COMMENT ON FUNCTION create_space(text, text, text, text[], integer, double precision, text, text, integer, double precision) IS
    'Creates an embedding space with its partition and queues every product for it. The first space becomes active.';
COMMENT ON FUNCTION activate_space(text) IS 'Makes a space the one that answers queries, in one short transaction.';
COMMENT ON FUNCTION find_space(text) IS 'The space of that name, or the active one for null.';
COMMENT ON FUNCTION is_indexed(integer, text) IS 'Whether a column of a space has a valid HNSW index.';
COMMENT ON FUNCTION unit_blocks(embedding_spaces, halfvec) IS 'The unit vectors in a fused one, by modality, as the argument of recommend() has them.';
COMMENT ON FUNCTION read_example(embedding_spaces, jsonb, text, integer, double precision[]) IS 'One like or unlike of a query, with its vectors.';
COMMENT ON FUNCTION fuse_search(embedding_spaces, jsonb, jsonb) IS 'The query vector of a search from its vectors and weights.';
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA shelfmate FROM PUBLIC;
