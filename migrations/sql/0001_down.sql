DROP VIEW active_embeddings;
DROP FUNCTION ensure_category, similar_products, similar_products_exact, explain_similarity, rank_products, fuse_query, find_embedding,
    find_space, activate_space, create_space, comment_active_embeddings, weighted_block, block_score, is_indexed;
DROP TYPE similar_product, ranked_product;
DROP TABLE api_keys, rating_models, recommendations, product_embeddings, embedding_jobs, events, reviews, product_images,
    products, categories, embedding_spaces;
DROP SEQUENCE embedding_lease_token;
DROP FUNCTION create_parent_category, create_product_category, rename_category, set_updated_at,
    queue_embeddings, queue_inserted_products, queue_edited_product, queue_imaged_products;
-- The role analyst belongs to the whole server and may serve another database: it stays, without rights here.
REVOKE ALL ON SCHEMA shelfmate FROM analyst;
DO $$
BEGIN
    EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM analyst', current_database());
    EXECUTE format('ALTER ROLE analyst IN DATABASE %I RESET ALL', current_database());
END $$;
