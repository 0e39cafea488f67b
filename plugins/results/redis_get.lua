-- The bytes of a result; nothing where it is not kept. KEYS: the result's own.
return redis.call('GET', KEYS[1]) or ''
