-- Spaces that were asked for over HTTP and have to be fitted first.

-- request: ask for a space; one that failed before is asked for anew
INSERT INTO shelfmate.space_plans AS p (name, plan) VALUES (%(name)s, %(plan)s)
ON CONFLICT (name) DO UPDATE
   SET plan = excluded.plan, state = 'waiting', progress = NULL, error = NULL, requested_at = now(), started_at = NULL
 WHERE p.state = 'failed'
RETURNING p.name, p.plan, p.state, p.progress, p.error, p.requested_at, p.started_at;

-- wake: a worker looks for plans when it is told
SELECT pg_notify('shelfmate_jobs', '');

-- list: what was asked for and is not there yet, oldest first
SELECT p.name, p.plan, p.state, p.progress, p.error, p.requested_at, p.started_at
  FROM shelfmate.space_plans p ORDER BY p.requested_at, p.name;

-- cancel: forget a plan that nobody works at; says whether it was there, and whether it is gone
WITH found AS (SELECT p.name, p.state FROM shelfmate.space_plans p WHERE p.name = %(name)s FOR UPDATE),
     gone AS (DELETE FROM shelfmate.space_plans p USING found f WHERE p.name = f.name AND f.state <> 'fitting' RETURNING p.name)
SELECT (SELECT count(*) FROM found) > 0, (SELECT count(*) FROM gone) > 0;
