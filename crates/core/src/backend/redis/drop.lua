-- Drops copies and tells everybody, without raising a record: deletions and messages are allowed to a
-- server that must not grow.
-- KEYS: what is dropped. ARGV: channel of changes or nothing, message, channel of invalidations,
-- category or nothing, how to publish.
for key = 1, #KEYS do
    redis.call('UNLINK', KEYS[key])
end
if ARGV[1] ~= '' then
    redis.call(ARGV[5], ARGV[1], ARGV[2])
end
if ARGV[4] ~= '' then
    local reply = redis.pcall(ARGV[5], ARGV[3], ARGV[4])
    if type(reply) == 'table' and reply.err then
        -- What is said twice has no bare name after it: the next one is somebody else's.
        redis.call(ARGV[5], ARGV[1], ARGV[2])
        return reply
    end
end
return {'DROPPED', ''}
