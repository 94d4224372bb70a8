"""Triggers that the test installs: every committed write to products, queue and vectors, in the order of their locks.

A number of the sequence is drawn when an audit trigger fires, the last of its statement ("zz"): an edit then holds the
rows of its jobs, and a store the rows of the jobs that it ends. For one product and space, so, numbers are in the order
in which the transactions commit. Rows of transactions that were rolled back or lost go with them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

Connection = psycopg.Connection[tuple[Any, ...]]

INSTALL = """
CREATE TABLE public.chaos_ops (id bigint PRIMARY KEY, xid bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint);
CREATE TABLE public.chaos_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at double precision NOT NULL DEFAULT extract(epoch FROM clock_timestamp()),
    xid bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    app text NOT NULL DEFAULT current_setting('application_name'),
    kind text NOT NULL, product_id bigint, space_id integer, old jsonb, new jsonb, vector bytea
);
-- The clients and the workers are one user here; nobody else is let in.
CREATE FUNCTION public.chaos_product() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO public.chaos_events (kind, product_id, old, new) VALUES ('product', coalesce(NEW.id, OLD.id),
        CASE WHEN TG_OP <> 'INSERT' THEN jsonb_build_object('sku', OLD.sku) END,
        CASE WHEN TG_OP <> 'DELETE' THEN jsonb_build_object(
            'sku', NEW.sku, 'title', NEW.title, 'description', NEW.description, 'brand', NEW.brand) END);
    RETURN NULL;
END $$;
CREATE TRIGGER zz_audit AFTER INSERT OR DELETE OR UPDATE OF title, description, brand ON shelfmate.products
    FOR EACH ROW EXECUTE FUNCTION public.chaos_product();

CREATE FUNCTION public.chaos_image() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO public.chaos_events (kind, product_id, old)
        SELECT 'image', product_id, jsonb_build_object('position', position) FROM old_images;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO public.chaos_events (kind, product_id, new)
        SELECT 'image', product_id, jsonb_build_object('position', position, 'sha256', encode(sha256, 'hex'))
          FROM new_images;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER zz_audit_insert AFTER INSERT ON shelfmate.product_images REFERENCING NEW TABLE AS new_images
    FOR EACH STATEMENT EXECUTE FUNCTION public.chaos_image();
CREATE TRIGGER zz_audit_update AFTER UPDATE ON shelfmate.product_images
    REFERENCING OLD TABLE AS old_images NEW TABLE AS new_images
    FOR EACH STATEMENT EXECUTE FUNCTION public.chaos_image();
CREATE TRIGGER zz_audit_delete AFTER DELETE ON shelfmate.product_images REFERENCING OLD TABLE AS old_images
    FOR EACH STATEMENT EXECUTE FUNCTION public.chaos_image();

CREATE FUNCTION public.chaos_review() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO public.chaos_events (kind, product_id, old)
        SELECT 'review', product_id, jsonb_build_object('id', id) FROM old_reviews;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO public.chaos_events (kind, product_id, new)
        SELECT 'review', product_id, jsonb_build_object('id', id, 'title', title, 'body', body, 'votes', helpful_votes,
                   'written', extract(epoch FROM written_at)::float8, 'created', extract(epoch FROM created_at)::float8)
          FROM new_reviews;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER zz_audit_insert AFTER INSERT ON shelfmate.reviews REFERENCING NEW TABLE AS new_reviews
    FOR EACH STATEMENT EXECUTE FUNCTION public.chaos_review();
CREATE TRIGGER zz_audit_update AFTER UPDATE ON shelfmate.reviews
    REFERENCING OLD TABLE AS old_reviews NEW TABLE AS new_reviews
    FOR EACH STATEMENT EXECUTE FUNCTION public.chaos_review();
CREATE TRIGGER zz_audit_delete AFTER DELETE ON shelfmate.reviews REFERENCING OLD TABLE AS old_reviews
    FOR EACH STATEMENT EXECUTE FUNCTION public.chaos_review();

CREATE FUNCTION public.chaos_job(job shelfmate.embedding_jobs) RETURNS jsonb LANGUAGE sql AS $$
    SELECT CASE WHEN job.product_id IS NOT NULL THEN jsonb_build_object('state', job.state, 'token', job.lease_token,
        'until', extract(epoch FROM job.leased_until), 'attempts', job.attempts, 'losses', job.losses) END
$$;
CREATE FUNCTION public.chaos_jobs() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    -- Not the heartbeats.
    IF TG_OP = 'UPDATE' AND (NEW.state, NEW.lease_token, NEW.losses, NEW.attempts)
                            IS NOT DISTINCT FROM (OLD.state, OLD.lease_token, OLD.losses, OLD.attempts) THEN
        RETURN NULL;
    END IF;
    INSERT INTO public.chaos_events (kind, product_id, space_id, old, new)
    VALUES ('job', coalesce(NEW.product_id, OLD.product_id), coalesce(NEW.space_id, OLD.space_id),
            public.chaos_job(OLD), public.chaos_job(NEW));
    RETURN NULL;
END $$;
CREATE TRIGGER zz_audit AFTER INSERT OR UPDATE OR DELETE ON shelfmate.embedding_jobs
    FOR EACH ROW EXECUTE FUNCTION public.chaos_jobs();

CREATE FUNCTION public.chaos_vector() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO public.chaos_events (kind, product_id, space_id, vector)
    VALUES ('vector', coalesce(NEW.product_id, OLD.product_id), coalesce(NEW.space_id, OLD.space_id),
            CASE WHEN TG_OP <> 'DELETE' THEN halfvec_send(NEW.fused) END);
    RETURN NULL;
END $$;
CREATE TRIGGER zz_audit AFTER INSERT OR UPDATE OR DELETE ON shelfmate.product_embeddings
    FOR EACH ROW EXECUTE FUNCTION public.chaos_vector();

CREATE FUNCTION public.chaos_space() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO public.chaos_events (kind, space_id, old, new) VALUES ('space', coalesce(NEW.id, OLD.id),
        CASE WHEN TG_OP <> 'INSERT' THEN jsonb_build_object('name', OLD.name, 'state', OLD.state) END,
        CASE WHEN TG_OP <> 'DELETE' THEN jsonb_build_object('name', NEW.name, 'state', NEW.state) END);
    RETURN NULL;
END $$;
CREATE TRIGGER zz_audit AFTER INSERT OR UPDATE OF state OR DELETE ON shelfmate.embedding_spaces
    FOR EACH ROW EXECUTE FUNCTION public.chaos_space();
"""

FETCH = """
WITH taken AS (DELETE FROM public.chaos_events WHERE id <= (SELECT max(id) FROM public.chaos_events) RETURNING *)
SELECT id, at, xid, app, kind, product_id, space_id, old, new, vector FROM taken ORDER BY id
"""


@dataclass(frozen=True)
class Event:
    """One committed write; ``at`` is in seconds of the epoch, ``app`` names the process that wrote."""

    id: int
    at: float
    xid: int
    app: str
    kind: str
    product_id: int = 0
    space_id: int = 0
    old: dict[str, Any] | None = None
    new: dict[str, Any] | None = None
    vector: bytes | None = None


def install(connection: Connection) -> None:
    """Put the triggers into a migrated database, before anything is in it."""
    connection.execute("SET search_path = public")
    connection.execute(INSTALL)
    connection.execute("RESET search_path")


def take(connection: Connection) -> list[Event]:
    """What happened since the last call; nothing may be under way meanwhile."""
    return [Event(*row) for row in connection.execute(FETCH).fetchall()]


def operations(connection: Connection) -> Iterator[tuple[int, int]]:
    """Number and transaction of each operation that committed since the last call."""
    yield from connection.execute("DELETE FROM public.chaos_ops RETURNING id, xid").fetchall()
