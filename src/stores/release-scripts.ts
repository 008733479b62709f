/** Scripts that change what is kept of releases in one step each. */

/** How many releases of an app are kept; the last good one stays, however old it is. */
export const keep = 50;

/**
 * KEYS: numbers of an environment; ARGV: key of a request, number that others have reached. A request
 * that was numbered two hundred releases ago does not ask again.
 */
export const numberScript = `
  local field = 'request-' .. ARGV[1]
  local known = redis.call('HGET', KEYS[1], field)
  if known then return tonumber(known) end
  local last = tonumber(redis.call('HGET', KEYS[1], 'last') or '0')
  local number = math.max(last, tonumber(ARGV[2])) + 1
  redis.call('HSET', KEYS[1], 'last', number, field, number)
  local all = redis.call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    if all[i] ~= 'last' and tonumber(all[i + 1]) <= number - 200 then
      redis.call('HDEL', KEYS[1], all[i])
    end
  end
  return number`;

/** KEYS: numbers of an environment; ARGV: number. */
export const reachScript = `
  local last = tonumber(redis.call('HGET', KEYS[1], 'last') or '-1')
  if tonumber(ARGV[1]) > last then redis.call('HSET', KEYS[1], 'last', ARGV[1]) end`;

/**
 * KEYS: releases of an app, numbers of its environment; ARGV: number, record, how many are kept. Forgets
 * the oldest, unless a failed deployment would go back to it; answers the record that is kept.
 */
export const createScript = `
  local field = 'release-' .. ARGV[1]
  redis.call('HSETNX', KEYS[1], field, ARGV[2])
  local kept = redis.call('HGET', KEYS[1], field)
  local last = tonumber(redis.call('HGET', KEYS[2], 'last') or '0')
  if tonumber(ARGV[1]) > last then redis.call('HSET', KEYS[2], 'last', ARGV[1]) end
  local fields, numbers = redis.call('HKEYS', KEYS[1]), {}
  for _, each in ipairs(fields) do
    local number = string.match(each, '^release%-(%d+)$')
    if number then table.insert(numbers, tonumber(number)) end
  end
  table.sort(numbers, function(a, b) return a > b end)
  local oldest = numbers[math.min(#numbers, tonumber(ARGV[3]))]
  local good = tonumber(redis.call('HGET', KEYS[1], 'good') or '0')
  for _, each in ipairs(fields) do
    local number = tonumber(string.match(each, '^%a+%-(%d+)$'))
    if number and number < oldest and number ~= good then redis.call('HDEL', KEYS[1], each) end
  end
  return kept`;

/** KEYS: releases of an app; ARGV: number, now, weights. */
export const markGoodScript = `
  redis.call('HSET', KEYS[1], 'good', ARGV[1], 'good-' .. ARGV[1], ARGV[2])
  redis.call('HDEL', KEYS[1], 'bad-' .. ARGV[1])
  if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'weights-' .. ARGV[1], ARGV[3]) end`;

/** KEYS: releases of an app; ARGV: number, when and why. Of the others, the last good one is what became so last. */
export const markBadScript = `
  redis.call('HSET', KEYS[1], 'bad-' .. ARGV[1], ARGV[2])
  redis.call('HDEL', KEYS[1], 'good-' .. ARGV[1])
  if redis.call('HGET', KEYS[1], 'good') ~= ARGV[1] then return end
  local best, since = nil, -1
  local all = redis.call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    local number = tonumber(string.match(all[i], '^good%-(%d+)$'))
    local at = tonumber(all[i + 1])
    if number and (at > since or (at == since and number > best)) then best, since = number, at end
  end
  if best then redis.call('HSET', KEYS[1], 'good', best) else redis.call('HDEL', KEYS[1], 'good') end`;
