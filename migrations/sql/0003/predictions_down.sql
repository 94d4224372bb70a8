DROP VIEW predicted_ratings;
DROP TABLE product_rating_predictions;
DROP INDEX rating_models_one_default;
-- What 0002 has no form for goes.
DELETE FROM rating_models WHERE form = 'product-ridge';
ALTER TABLE rating_models DROP CONSTRAINT rating_models_form_check, DROP COLUMN format, DROP COLUMN digest, DROP COLUMN is_default;
ALTER TABLE rating_models
    ADD CONSTRAINT rating_models_form_check CHECK (form IN ('frozen-mlp', 'fine-tuned', 'baseline'));
ALTER TABLE rating_models ALTER COLUMN weights SET STORAGE EXTENDED;
COMMENT ON COLUMN rating_models.form IS 'frozen-mlp, fine-tuned or baseline.';
