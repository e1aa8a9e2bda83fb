-- Drops copies and tells everybody, without raising a record: deletions and messages are allowed to a
-- server that must not grow.
-- KEYS: what is dropped. ARGV: channel of changes or nothing, message, channel of invalidations,
-- category or nothing.
for key = 1, #KEYS do
    redis.call('UNLINK', KEYS[key])
end
if ARGV[1] ~= '' then
    redis.call('PUBLISH', ARGV[1], ARGV[2])
end
if ARGV[4] ~= '' then
    redis.call('PUBLISH', ARGV[3], ARGV[4])
end
return {'DROPPED', ''}
