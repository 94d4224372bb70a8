-- Where a product's photograph is fetched from, and what became of it: a download that was broken off goes on from here.

CREATE TABLE image_downloads (
    product_id bigint PRIMARY KEY REFERENCES products (id) ON DELETE CASCADE,
    url        text NOT NULL CHECK (url ~* '^https?://' AND length(url) <= 2000),
    state      text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'stored', 'refused')),
    attempts   integer NOT NULL DEFAULT 0,
    reason     text,
    sha256     bytea CHECK (octet_length(sha256) = 32),
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX image_downloads_waiting_idx ON image_downloads (product_id) WHERE state = 'waiting';

COMMENT ON TABLE image_downloads IS 'Where the first photograph of a product is fetched from, and what became of it: one row a product whose metadata named an address.';
COMMENT ON COLUMN image_downloads.product_id IS 'products.id';
COMMENT ON COLUMN image_downloads.url IS 'The address that metadata named last; another one waits again.';
COMMENT ON COLUMN image_downloads.state IS 'waiting: to be fetched; stored: it was; refused: it is not fetched again, reason says why.';
COMMENT ON COLUMN image_downloads.attempts IS 'How often it was tried.';
COMMENT ON COLUMN image_downloads.reason IS 'Why the last attempt failed.';
COMMENT ON COLUMN image_downloads.sha256 IS 'Of the bytes that were stored: a photograph that somebody put in their place is left alone.';
COMMENT ON COLUMN image_downloads.changed_at IS 'When the row was last written.';

GRANT SELECT ON image_downloads TO analyst;
