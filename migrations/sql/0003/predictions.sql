-- Rating models: which one answers, whether it is whole, and what products without reviews are expected to get.

ALTER TABLE rating_models DROP CONSTRAINT rating_models_form_check;
ALTER TABLE rating_models
    ADD CONSTRAINT rating_models_form_check CHECK (form IN ('frozen-mlp', 'fine-tuned', 'baseline', 'product-ridge')),
    ADD COLUMN format integer NOT NULL DEFAULT 1,
    ADD COLUMN digest bytea NOT NULL DEFAULT '',
    ADD COLUMN is_default boolean NOT NULL DEFAULT false;
-- An archive that is compressed already is neither compressed again nor kept in the row.
ALTER TABLE rating_models ALTER COLUMN weights SET STORAGE EXTERNAL;
-- One that reads reviews, and one that reads products.
CREATE UNIQUE INDEX rating_models_one_default ON rating_models ((form = 'product-ridge')) WHERE is_default;

CREATE TABLE product_rating_predictions (
    product_id    bigint PRIMARY KEY REFERENCES products (id) ON DELETE CASCADE,
    model_id      integer NOT NULL REFERENCES rating_models (id) ON DELETE CASCADE,
    space_id      integer NOT NULL,
    embedded_at   timestamptz NOT NULL,
    expected      real NOT NULL CHECK (expected BETWEEN 1 AND 5),
    probabilities real[] NOT NULL CHECK (cardinality(probabilities) = 5),
    predicted_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX product_rating_predictions_model_id_idx ON product_rating_predictions (model_id);

CREATE VIEW predicted_ratings AS
SELECT p.id AS product_id, p.sku, p.title, p.category, r.expected, r.probabilities, m.name AS model, r.predicted_at,
       NOT EXISTS (SELECT FROM product_embeddings e
                    WHERE e.product_id = r.product_id AND e.space_id = r.space_id AND e.embedded_at = r.embedded_at)
       OR EXISTS (SELECT FROM embedding_jobs j WHERE j.product_id = r.product_id AND j.space_id = r.space_id) AS stale
  FROM product_rating_predictions r
  JOIN products p ON p.id = r.product_id
  JOIN rating_models m ON m.id = r.model_id
 WHERE p.review_count = 0;

GRANT SELECT ON product_rating_predictions, predicted_ratings TO analyst;

COMMENT ON COLUMN rating_models.form IS 'frozen-mlp, fine-tuned or baseline, which read reviews; product-ridge, which reads products.';
COMMENT ON COLUMN rating_models.format IS 'How the weights are laid out; one that this version does not know is refused.';
COMMENT ON COLUMN rating_models.digest IS 'SHA-256 over form, format, fingerprint and weights; a row that does not agree is refused.';
COMMENT ON COLUMN rating_models.is_default IS 'Whether it answers where none is named: one that reads reviews and one that reads products.';
COMMENT ON TABLE product_rating_predictions IS 'The stars that products without reviews are expected to get (shelfmate ratings predict --unrated).';
COMMENT ON COLUMN product_rating_predictions.product_id IS 'The product.';
COMMENT ON COLUMN product_rating_predictions.model_id IS 'The model that said so.';
COMMENT ON COLUMN product_rating_predictions.space_id IS 'The space whose vectors it read.';
COMMENT ON COLUMN product_rating_predictions.embedded_at IS 'embedded_at of the vectors that it read.';
COMMENT ON COLUMN product_rating_predictions.expected IS 'Expected stars, 1 to 5: the mean of the probabilities.';
COMMENT ON COLUMN product_rating_predictions.probabilities IS 'Of 1, 2, 3, 4 and 5 stars; they sum to 1.';
COMMENT ON COLUMN product_rating_predictions.predicted_at IS 'When.';
COMMENT ON VIEW predicted_ratings IS 'Expected stars of the products that have no review now; stale once the product was edited.';
COMMENT ON COLUMN predicted_ratings.product_id IS 'The product.';
COMMENT ON COLUMN predicted_ratings.sku IS 'Its SKU.';
COMMENT ON COLUMN predicted_ratings.title IS 'Its title.';
COMMENT ON COLUMN predicted_ratings.category IS 'Its category.';
COMMENT ON COLUMN predicted_ratings.expected IS 'Expected stars, 1 to 5.';
COMMENT ON COLUMN predicted_ratings.probabilities IS 'Of 1, 2, 3, 4 and 5 stars.';
COMMENT ON COLUMN predicted_ratings.model IS 'Name of the model that said so.';
COMMENT ON COLUMN predicted_ratings.predicted_at IS 'When.';
COMMENT ON COLUMN predicted_ratings.stale IS 'Whether the product was edited since, or its space is gone: predict again.';
