-- Stores the copy of a document, if it is still the one that was announced.
-- KEYS: record, copy. ARGV: field, `<generation>:<digest>`, directory, bytes, life in ms or 0.
local claimed = redis.call('HGET', KEYS[1], '_dir')
-- A prefix that nobody has claimed has lost its record.
if not claimed then
    return {'REFUSED', ''}
elseif claimed ~= ARGV[3] then
    return {'OTHER', claimed}
end
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held ~= ARGV[2] then
    return {'REFUSED', held or ''}
end
local stored
if ARGV[5] == '0' then
    stored = redis.pcall('SET', KEYS[2], ARGV[4])
else
    stored = redis.pcall('SET', KEYS[2], ARGV[4], 'PX', ARGV[5])
end
if stored.err then
    -- A refusal is not sure to name the command; one with a word of its own says enough.
    return redis.error_reply((string.gsub(stored.err, '^ERR ', 'ERR SET: ')))
end
return {'STORED', held}
