-- Keys of the HTTP API, as backend/access.py makes and checks them.

-- create: keep the hash of a new key
INSERT INTO shelfmate.api_keys (name, key_hash, scopes) VALUES (%(name)s, %(key_hash)s, %(scopes)s)
ON CONFLICT (name) DO NOTHING RETURNING id;

-- list: every key, those in use first
SELECT k.name, k.scopes, k.created_at, k.last_used_at, k.revoked_at
  FROM shelfmate.api_keys k ORDER BY k.revoked_at IS NOT NULL, k.name;

-- revoke: end a key
UPDATE shelfmate.api_keys k SET revoked_at = now() WHERE k.name = %(name)s AND k.revoked_at IS NULL RETURNING k.id;

-- find: the scopes of a key by its hash, unless it was revoked
SELECT k.scopes FROM shelfmate.api_keys k WHERE k.key_hash = %(key_hash)s AND k.revoked_at IS NULL;

-- used: note that a key opened a door, at most once a minute
UPDATE shelfmate.api_keys k SET last_used_at = now()
 WHERE k.key_hash = %(key_hash)s AND (k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute');
