COMMENT ON SCHEMA shelfmate IS 'Shelfmate: catalogue, reviews, events, embedding queue and vectors of a recommendation backend.';

COMMENT ON TABLE categories IS 'The category tree, by path: Apparel/Topwear/Shirts. Missing ancestors are created.';
COMMENT ON COLUMN categories.path IS 'Names from the root, joined by slashes.';
COMMENT ON COLUMN categories.parent IS 'Path without its last name; null at the root.';
COMMENT ON COLUMN categories.name IS 'Last name of the path.';
COMMENT ON COLUMN categories.created_at IS 'When the category was created.';

COMMENT ON TABLE products IS 'What the shop sells. Insert here: a worker embeds the row within seconds.';
COMMENT ON COLUMN products.id IS 'Internal key; ties in a ranking break by it.';
COMMENT ON COLUMN products.sku IS 'The shop''s own key: at most 200 characters, no slash.';
COMMENT ON COLUMN products.title IS 'Name as the shopper sees it. Part of the embedding''s input.';
COMMENT ON COLUMN products.description IS 'Longer text, without markup. May be part of the embedding''s input.';
COMMENT ON COLUMN products.brand IS 'Maker''s name. May be part of the embedding''s input.';
COMMENT ON COLUMN products.category IS 'categories.path; a path that does not exist yet is created.';
COMMENT ON COLUMN products.price IS 'In units of the currency. Never touches an embedding.';
COMMENT ON COLUMN products.currency IS 'ISO 4217 code, such as EUR.';
COMMENT ON COLUMN products.in_stock IS 'Whether it can be bought now.';
COMMENT ON COLUMN products.variant_group IS 'Shared by variants of one product, such as its colours.';
COMMENT ON COLUMN products.attributes IS 'Anything else, as a JSON object of names and values.';
COMMENT ON COLUMN products.created_at IS 'When the row was inserted.';
COMMENT ON COLUMN products.updated_at IS 'When a column last changed.';

COMMENT ON TABLE product_images IS 'Photographs, with their bytes, by product and position.';
COMMENT ON COLUMN product_images.product_id IS 'products.id';
COMMENT ON COLUMN product_images.position IS 'Order of display from 0; the first is embedded.';
COMMENT ON COLUMN product_images.sha256 IS 'SHA-256 of the bytes.';
COMMENT ON COLUMN product_images.media_type IS 'Such as image/jpeg.';
COMMENT ON COLUMN product_images.width IS 'Pixels, before any rotation that the file asks for.';
COMMENT ON COLUMN product_images.height IS 'Pixels, before any rotation that the file asks for.';
COMMENT ON COLUMN product_images.byte_size IS 'Length of content in bytes.';
COMMENT ON COLUMN product_images.content IS 'The file''s bytes as they were received.';
COMMENT ON COLUMN product_images.created_at IS 'When the row was inserted.';

COMMENT ON TABLE reviews IS 'What people wrote of a product. The same review of a product is stored once.';
COMMENT ON COLUMN reviews.product_id IS 'products.id';
COMMENT ON COLUMN reviews.id IS 'Key of the review, unique with product_id.';
COMMENT ON COLUMN reviews.rating IS 'Stars, 1 to 5.';
COMMENT ON COLUMN reviews.title IS 'Headline; empty without one.';
COMMENT ON COLUMN reviews.body IS 'Text; empty without one.';
COMMENT ON COLUMN reviews.author IS 'The shop''s name or key of the writer.';
COMMENT ON COLUMN reviews.helpful_votes IS 'How many found it helpful.';
COMMENT ON COLUMN reviews.verified IS 'Whether the writer bought the product.';
COMMENT ON COLUMN reviews.written_at IS 'When it was written, if known.';
COMMENT ON COLUMN reviews.fingerprint IS 'SHA-256 of the source''s review id, or of author, title, body, rating and time.';
COMMENT ON COLUMN reviews.created_at IS 'When the row was inserted.';

COMMENT ON TABLE events IS 'What people did with products.';
COMMENT ON COLUMN events.product_id IS 'products.id';
COMMENT ON COLUMN events.id IS 'Key of the event, unique with product_id.';
COMMENT ON COLUMN events.user_id IS 'The shop''s key of the person or session.';
COMMENT ON COLUMN events.kind IS 'view, click, like, cart, purchase or rating.';
COMMENT ON COLUMN events.value IS 'Stars of a rating, amount of a purchase.';
COMMENT ON COLUMN events.occurred_at IS 'When it happened.';
COMMENT ON COLUMN events.recommendation_id IS 'recommendations.id of the list that led to it, if one did.';

COMMENT ON TABLE embedding_spaces IS 'Immutable recipes for vectors. A query is answered from one space only; at most one is active.';
COMMENT ON COLUMN embedding_spaces.id IS 'Key; the vectors are in the partition product_embeddings_<id>.';
COMMENT ON COLUMN embedding_spaces.name IS 'Name for people.';
COMMENT ON COLUMN embedding_spaces.state IS 'building, shadow, active or retired. A retired space is no longer filled.';
COMMENT ON COLUMN embedding_spaces.text_encoder IS 'Encoder of the text block; null without one.';
COMMENT ON COLUMN embedding_spaces.text_fields IS 'Columns of products that are joined, in this order, into the encoder''s input.';
COMMENT ON COLUMN embedding_spaces.text_version IS 'Version of that encoder: other versions'' vectors are never mixed in.';
COMMENT ON COLUMN embedding_spaces.text_dimensions IS 'Length of the text block; 0 without one.';
COMMENT ON COLUMN embedding_spaces.text_weight IS 'Share of the text block in the fused inner product.';
COMMENT ON COLUMN embedding_spaces.image_encoder IS 'Encoder of the image block; null without one.';
COMMENT ON COLUMN embedding_spaces.image_version IS 'Version of that encoder: other versions'' vectors are never mixed in.';
COMMENT ON COLUMN embedding_spaces.image_dimensions IS 'Length of the image block; 0 without one.';
COMMENT ON COLUMN embedding_spaces.image_weight IS 'Share of the image block in the fused inner product.';
COMMENT ON COLUMN embedding_spaces.reviews_dimensions IS 'Length of the reviews block; 0 without one.';
COMMENT ON COLUMN embedding_spaces.reviews_weight IS 'Share of the reviews block in the fused inner product.';
COMMENT ON COLUMN embedding_spaces.fused_dimensions IS 'Sum of the blocks'' lengths.';
COMMENT ON COLUMN embedding_spaces.created_at IS 'When the space was created.';
COMMENT ON COLUMN embedding_spaces.activated_at IS 'When it last became active.';

COMMENT ON TABLE embedding_jobs IS 'Products to embed, one row a product and space. A finished job''s row is gone; a dead one stays with its error.';
COMMENT ON COLUMN embedding_jobs.product_id IS 'products.id';
COMMENT ON COLUMN embedding_jobs.space_id IS 'embedding_spaces.id';
COMMENT ON COLUMN embedding_jobs.state IS 'queued, leased by a worker, or dead after too many failures.';
COMMENT ON COLUMN embedding_jobs.priority IS '0 for single inserts and edits, 1 for backfills; lower goes first.';
COMMENT ON COLUMN embedding_jobs.available_at IS 'Not before this time; a failure moves it into the future.';
COMMENT ON COLUMN embedding_jobs.queued_at IS 'When the product was inserted or last edited.';
COMMENT ON COLUMN embedding_jobs.attempts IS 'Failures of the encoding so far.';
COMMENT ON COLUMN embedding_jobs.losses IS 'Leases that ran out because their worker died; from 2 on the job is tried alone.';
COMMENT ON COLUMN embedding_jobs.lease_token IS 'Fencing token of the attempt that may store its result.';
COMMENT ON COLUMN embedding_jobs.leased_until IS 'When the lease runs out unless a heartbeat extends it.';
COMMENT ON COLUMN embedding_jobs.worker IS 'Host and process of the worker that holds it.';
COMMENT ON COLUMN embedding_jobs.last_error IS 'What the last failure said.';

COMMENT ON TABLE product_embeddings IS 'The vectors, one row a product and space, partitioned by space. Only a worker writes here.';
COMMENT ON COLUMN product_embeddings.product_id IS 'products.id';
COMMENT ON COLUMN product_embeddings.space_id IS 'embedding_spaces.id';
COMMENT ON COLUMN product_embeddings.text IS 'Unit vector of the text; null when the space has no text.';
COMMENT ON COLUMN product_embeddings.image IS 'Unit vector of the first photograph; null without one.';
COMMENT ON COLUMN product_embeddings.reviews IS 'Unit vector of the reviews; null without any.';
COMMENT ON COLUMN product_embeddings.fused IS 'sqrt(weight) times each unit block, joined: text, image, reviews. A missing block is zero.';
COMMENT ON COLUMN product_embeddings.text_hash IS 'SHA-256 of the text that was encoded.';
COMMENT ON COLUMN product_embeddings.image_hash IS 'SHA-256 of the photograph that was encoded.';
COMMENT ON COLUMN product_embeddings.embedded_at IS 'When the vectors were stored.';

COMMENT ON TABLE recommendations IS 'Frozen result lists, so that paging never repeats or skips.';
COMMENT ON COLUMN recommendations.id IS 'Key that clients hold.';
COMMENT ON COLUMN recommendations.space_id IS 'embedding_spaces.id that answered.';
COMMENT ON COLUMN recommendations.kind IS 'recommendation or similar: which question it answers.';
COMMENT ON COLUMN recommendations.query IS 'The argument of recommend(), its texts and images as vectors. Without a space the active one of then: space_id.';
COMMENT ON COLUMN recommendations.vectors IS 'Fused vectors of the examples that are products, in order, likes first; null for the others.';
COMMENT ON COLUMN recommendations.items IS 'The list, best first: objects of product_id, score, source, contributions, examples. Until complete, what the first page showed.';
COMMENT ON COLUMN recommendations.mode IS 'How the first page was found: exact, or ann by the index.';
COMMENT ON COLUMN recommendations.complete IS 'Whether items goes on to the end, or to its 1,000th product.';
COMMENT ON COLUMN recommendations.created_at IS 'When the query was asked.';
COMMENT ON COLUMN recommendations.expires_at IS 'When the list may be deleted.';

COMMENT ON TABLE rating_models IS 'Trained rating predictors.';
COMMENT ON COLUMN rating_models.id IS 'Key of the model.';
COMMENT ON COLUMN rating_models.name IS 'Name for people.';
COMMENT ON COLUMN rating_models.form IS 'frozen-mlp, fine-tuned or baseline.';
COMMENT ON COLUMN rating_models.fingerprint IS 'SHA-256 of the training data.';
COMMENT ON COLUMN rating_models.report IS 'Measures on held-out data.';
COMMENT ON COLUMN rating_models.weights IS 'The serialised model.';
COMMENT ON COLUMN rating_models.created_at IS 'When training ended.';

COMMENT ON TABLE api_keys IS 'Who may call the HTTP API; only a hash of each key is kept.';
COMMENT ON COLUMN api_keys.id IS 'Key of the row.';
COMMENT ON COLUMN api_keys.name IS 'What the key is for.';
COMMENT ON COLUMN api_keys.key_hash IS 'SHA-256 of the key; not readable by analysts.';
COMMENT ON COLUMN api_keys.scopes IS 'Any of read, write, admin.';
COMMENT ON COLUMN api_keys.created_at IS 'When the key was made.';
COMMENT ON COLUMN api_keys.last_used_at IS 'When it last opened a door.';
COMMENT ON COLUMN api_keys.revoked_at IS 'When it stopped working, if it did.';

COMMENT ON SEQUENCE embedding_lease_token IS 'Fencing tokens: each claim takes the next.';


COMMENT ON FUNCTION ensure_category(text) IS 'Creates a category and its ancestors where they are missing; returns its path.';
COMMENT ON FUNCTION create_parent_category() IS 'Trigger: creates the missing ancestors of a category.';
COMMENT ON FUNCTION create_product_category() IS 'Trigger: creates the category that a product names.';
COMMENT ON FUNCTION rename_category(text, text) IS 'Renames or moves a category with its subtree and products; returns how many categories moved.';
COMMENT ON FUNCTION set_updated_at() IS 'Trigger: keeps products.updated_at.';
COMMENT ON FUNCTION queue_embeddings(bigint[]) IS 'Queues products for embedding in every space that is filled, and wakes the workers.';
COMMENT ON FUNCTION queue_inserted_products() IS 'Trigger: queues inserted products.';
COMMENT ON FUNCTION queue_edited_product() IS 'Trigger: queues a product whose text changed.';
COMMENT ON FUNCTION queue_imaged_products() IS 'Trigger: queues products whose photographs changed.';
COMMENT ON FUNCTION create_space(text, text, text, text[], integer, double precision, text, text, integer, double precision) IS
    'Creates an embedding space with its partition and queues every product for it. The first space becomes active.';
COMMENT ON FUNCTION activate_space(text) IS 'Makes a space the one that answers queries, in one short transaction.';
COMMENT ON FUNCTION comment_active_embeddings() IS 'Describes the view active_embeddings after it was made anew.';
COMMENT ON FUNCTION find_space(text) IS 'The space of that name, or the active one for null.';
COMMENT ON FUNCTION check_weights(embedding_spaces, double precision, double precision, double precision) IS
    'Refuses weights that are negative, all zero, or for a modality that the space lacks.';
COMMENT ON FUNCTION find_embedding(embedding_spaces, text, text) IS 'The stored vectors of a product; an error says whether it is unknown, pending or failed.';
COMMENT ON FUNCTION weighted_block(halfvec, integer, double precision) IS 'A unit block times a factor; zeros for a missing one.';
COMMENT ON FUNCTION weigh_query(embedding_spaces, halfvec, double precision[]) IS 'A query with its blocks times their factors, as a vector of length 1.';
COMMENT ON FUNCTION joined(vector, vector) IS 'Two vectors end to end; the first may be null.';
COMMENT ON FUNCTION fuse_query(embedding_spaces, halfvec, halfvec, halfvec, double precision, double precision, double precision) IS
    'Query vector whose inner product with fused is the weighted sum of the blocks'' cosines. A weight of null is 0.';
COMMENT ON FUNCTION block_score(integer, integer) IS 'SQL text of one block''s part in the inner product.';
COMMENT ON FUNCTION is_indexed(integer, text) IS 'Whether a column of a space has a valid HNSW index.';
