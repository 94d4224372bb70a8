-- What was fitted for a space, stored with it; and the spaces that were asked for.

CREATE TABLE space_models (
    space_id          integer NOT NULL REFERENCES embedding_spaces (id) ON DELETE CASCADE,
    modality          text NOT NULL CHECK (modality IN ('text', 'image')),
    part              text NOT NULL CHECK (part IN ('encoder', 'projection')),
    method            text NOT NULL,
    content           bytea NOT NULL,
    sha256            bytea NOT NULL GENERATED ALWAYS AS (sha256(content)) STORED,
    input_dimensions  integer NOT NULL CHECK (input_dimensions >= 0),
    output_dimensions integer NOT NULL CHECK (output_dimensions > 0),
    report            jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(report) = 'object'),
    fitted_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (space_id, modality, part)
);
-- Floats do not compress.
ALTER TABLE space_models ALTER COLUMN content SET STORAGE EXTERNAL;

CREATE TABLE space_plans (
    name         text PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9._+-]{0,99}$'),
    plan         jsonb NOT NULL CHECK (jsonb_typeof(plan) = 'object'),
    state        text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'fitting', 'failed')),
    progress     text,
    error        text,
    requested_at timestamptz NOT NULL DEFAULT now(),
    started_at   timestamptz,
    CHECK ((state = 'failed') = (error IS NOT NULL))
);

COMMENT ON TABLE space_models IS 'What was fitted for a space: encoders that learn from the catalogue, and projections.';
COMMENT ON COLUMN space_models.space_id IS 'embedding_spaces.id';
COMMENT ON COLUMN space_models.modality IS 'text or image.';
COMMENT ON COLUMN space_models.part IS 'encoder, or the projection that follows it.';
COMMENT ON COLUMN space_models.method IS 'How it was fitted, such as tfidf or pca.';
COMMENT ON COLUMN space_models.content IS 'Its arrays, in the form of the safetensors library.';
COMMENT ON COLUMN space_models.sha256 IS 'SHA-256 of content.';
COMMENT ON COLUMN space_models.input_dimensions IS 'Length of what it takes; 0 for an encoder, which takes no vector.';
COMMENT ON COLUMN space_models.output_dimensions IS 'Length of what it gives.';
COMMENT ON COLUMN space_models.report IS 'What it was fitted on and how it measured, for people.';
COMMENT ON COLUMN space_models.fitted_at IS 'When it was stored.';

COMMENT ON TABLE space_plans IS 'Spaces that were asked for and are not made yet. A worker fits and makes them; the row then goes.';
COMMENT ON COLUMN space_plans.name IS 'Name that the space will have.';
COMMENT ON COLUMN space_plans.plan IS 'Its recipe.';
COMMENT ON COLUMN space_plans.state IS 'waiting for a worker, fitting, or failed.';
COMMENT ON COLUMN space_plans.progress IS 'What is being done, for people.';
COMMENT ON COLUMN space_plans.error IS 'Why it failed.';
COMMENT ON COLUMN space_plans.requested_at IS 'When it was asked for.';
COMMENT ON COLUMN space_plans.started_at IS 'When a worker last took it up.';
