-- Raises the record of one document, drops its copies and tells everybody; but never lowers it.
-- KEYS: record, then what is dropped. ARGV: field, generation, digest, directory, largest generation,
-- channel of changes, message, channel of invalidations, category or nothing, how to publish.
local field, generation, digest, directory = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local claimed = redis.call('HGET', KEYS[1], '_dir')
if claimed and claimed ~= directory then
    return {'OTHER', claimed}
end
local held = redis.call('HGET', KEYS[1], field) or ''
local number, known = string.match(held, '^([1-9]%d*):(%w+)$')
number = tonumber(number or '0')
-- What nobody of us writes is no record: whoever reads it takes it for none, and it must not stand in
-- the way for ever.
local is_digest = known == 'absent' or known and #known == 64 and not string.find(known, '[^%da-f]')
if is_digest and number <= tonumber(ARGV[5]) then
    if number > generation then
        return {'REFUSED', held}
    elseif number == generation and known ~= digest then
        return {'CONFLICT', held}
    elseif number == generation then
        return {'SAME', held}
    end
end
if not claimed then
    redis.call('HSET', KEYS[1], '_dir', directory)
end
redis.call('HSET', KEYS[1], field, ARGV[2] .. ':' .. digest)
-- What is raised stays raised, also for a user who may not do what follows.
local complaints = {'RAISED', ARGV[2] .. ':' .. digest}
local function try(command, ...)
    local reply = redis.pcall(command, ...)
    local is_refused = type(reply) == 'table' and reply.err
    if is_refused then
        complaints[#complaints + 1] = command .. ': ' .. reply.err
    end
    return not is_refused
end
for key = 2, #KEYS do
    try('UNLINK', KEYS[key])
end
if ARGV[6] ~= '' then
    local is_said = try(ARGV[10], ARGV[6], ARGV[7])
    if ARGV[9] ~= '' and not try(ARGV[10], ARGV[8], ARGV[9]) and is_said then
        -- What is said twice has no bare name after it: the next one is somebody else's.
        redis.pcall(ARGV[10], ARGV[6], ARGV[7])
    end
end
return complaints
