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
if ARGV[5] == '0' then
    redis.call('SET', KEYS[2], ARGV[4])
else
    redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[5])
end
return {'STORED', held}
