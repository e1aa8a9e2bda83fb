-- Everything that is compared, in one call: whose directory it is, the record, and which copies there
-- are. A prefix that nobody has claimed is claimed.
-- KEYS: record, copies. ARGV: directory. Answers the directory, the record as fields and values, and
-- for each copy 1 or 0, or nothing at all where the user may not ask, and why not.
local claimed = redis.pcall('HGET', KEYS[1], '_dir')
if type(claimed) == 'table' then
    -- Answered as it is: servers before 7.0 hide the code of what a script raises.
    return claimed
end
if not claimed then
    local set = redis.pcall('HSET', KEYS[1], '_dir', ARGV[1])
    claimed = type(set) == 'number' and ARGV[1] or ''
end
local there, complaint = {}, ''
for key = 2, #KEYS do
    local reply = redis.pcall('EXISTS', KEYS[key])
    if type(reply) ~= 'number' then
        there, complaint = {}, 'EXISTS: ' .. (reply.err or '')
        break
    end
    there[key - 1] = reply
end
return {claimed, redis.call('HGETALL', KEYS[1]), there, complaint}
