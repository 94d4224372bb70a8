-- Spaces: what a recipe says beyond encoders and weights, and where a space stands in its life.

-- building: being filled.  shadow: filled, kept up, may be activated.  active: answers queries.  retired: not kept up any more.
ALTER TABLE embedding_spaces
    ADD COLUMN recipe text,
    ADD COLUMN kernel text NOT NULL DEFAULT 'cosine' CONSTRAINT embedding_spaces_kernel_check CHECK (kernel IN ('cosine', 'linear')),
    ADD COLUMN text_projection text,
    ADD COLUMN image_projection text,
    ADD COLUMN previous_id integer REFERENCES embedding_spaces (id) ON DELETE SET NULL,
    ADD COLUMN fill_horizon bigint,
    ADD COLUMN fill_cursor bigint,
    ADD COLUMN fill_queued_at timestamptz,
    ADD COLUMN filled_at timestamptz;

ALTER TABLE embedding_spaces RENAME COLUMN text_fields TO text_inputs;
ALTER TABLE embedding_spaces
    DROP CONSTRAINT embedding_spaces_text_fields_check,
    ALTER COLUMN text_inputs DROP DEFAULT;
UPDATE embedding_spaces SET text_inputs = ARRAY[coalesce(nullif(array_to_string(text_inputs, '+'), ''), 'title')];
ALTER TABLE embedding_spaces
    ALTER COLUMN text_inputs SET DEFAULT '{title}',
    ADD CONSTRAINT embedding_spaces_text_inputs_check CHECK (
        array_to_string(text_inputs, ',', 'null') ~
        '^((title|description|brand|price|attributes\.[^+,:]+)(\+(title|description|brand|price|attributes\.[^+,:]+))*(:[1-9][0-9]{0,6})?(,(?=.)|$)){1,8}$');

-- Up to now every product was queued when a space was made: those that are kept up are filled, or about to be.
UPDATE embedding_spaces SET filled_at = now(), state = CASE state WHEN 'building' THEN 'shadow' ELSE state END
 WHERE state <> 'retired';

COMMENT ON COLUMN embedding_spaces.state IS
    'building while it is filled, shadow when it may be activated, active, or retired: not kept up any more.';
COMMENT ON COLUMN embedding_spaces.text_inputs IS
    'The texts that are encoded of a product, each apart: title, description, brand, price and attributes.NAME joined by +, and after a colon the most characters of it.';
COMMENT ON COLUMN embedding_spaces.recipe IS 'Name of the recipe that it was made by, for people.';
COMMENT ON COLUMN embedding_spaces.kernel IS
    'cosine: blocks are unit vectors. linear: they keep their length, and rankings are always exact.';
COMMENT ON COLUMN embedding_spaces.text_projection IS 'Method of the projection that follows the text encoder; null without one.';
COMMENT ON COLUMN embedding_spaces.image_projection IS 'Method of the projection that follows the image encoder; null without one.';
COMMENT ON COLUMN embedding_spaces.previous_id IS 'embedding_spaces.id that was active before it: where a rollback goes.';
COMMENT ON COLUMN embedding_spaces.fill_horizon IS
    'The fill begins when every transaction below this one has ended: it may have edited products without knowing the space.';
COMMENT ON COLUMN embedding_spaces.fill_cursor IS 'products.id up to which the fill has queued; null before it.';
COMMENT ON COLUMN embedding_spaces.fill_queued_at IS 'When the fill had queued its last product.';
COMMENT ON COLUMN embedding_spaces.filled_at IS 'When every product was embedded and the indexes were whole; null until then.';
