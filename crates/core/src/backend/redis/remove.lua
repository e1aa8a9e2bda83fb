-- Removes a copy that is not the document's, if the document is still the one that was compared, and
-- the copy has not been replaced by one of another length.
-- KEYS: record, copy. ARGV: field, `<generation>:<digest>`, directory, length. Answers 1 if it is gone.
if redis.call('HGET', KEYS[1], '_dir') ~= ARGV[3] or redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
    return 0
end
if redis.call('STRLEN', KEYS[2]) ~= tonumber(ARGV[4]) then
    return 0
end
return redis.call('UNLINK', KEYS[2])
