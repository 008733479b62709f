/** What Redis itself does for the logs of builds, each in one step. */

/**
 * Appends a piece at the end of a log, whoever else appends; its id in the stream is
 * `<offset>-<bytes>`.
 *
 * KEYS: state of the log, its pieces, logs by their last addition, their weights, weight of all, channel.
 * ARGV: build, writer, number of its addition, bytes, whether they end a line, form, data, now (ms), bytes
 * kept of the head and of the tail, budget of all weights, before when logs are too old (ms), seconds that
 * pieces are kept, seconds that the state is, what the keys of pieces begin with.
 */
export const appendScript = `
  local state, pieces, ages, weights, total, channel = unpack(KEYS)
  local build, writer, number = ARGV[1], ARGV[2], tonumber(ARGV[3])
  local known = redis.call('HMGET', state, 'size', 'open', 'from', 'to', 'by:' .. writer)
  local size, open = tonumber(known[1] or '0'), known[2] or ''
  if tonumber(known[5] or '0') >= number then return size end

  local gapFrom, gapTo = tonumber(known[3] or ''), tonumber(known[4] or '')
  if size > 0 and redis.call('EXISTS', pieces) == 0 then
    gapFrom, gapTo, open = 0, size, ''
    redis.call('DECRBY', total, redis.call('HGET', weights, build) or 0)
    redis.call('HDEL', weights, build)
  end

  local function text(number) return string.format('%.0f', number) end
  local grown = 0
  local function add(form, data, length)
    redis.call('XADD', pieces, text(size) .. '-' .. length, form, data)
    size = size + length
    -- Short pieces weigh more than their bytes.
    grown = grown + #data + 64
  end
  -- A line that another writer left open must not run into this one.
  if open ~= '' and open ~= writer then add('r', '\\n', 1) end
  add(ARGV[6], ARGV[7], ARGV[4])

  local head, keepFrom = tonumber(ARGV[9]), size - tonumber(ARGV[10])
  local from = gapTo or head
  if keepFrom > from then
    for _, entry in ipairs(redis.call('XRANGE', pieces, text(from), text(keepFrom - 1))) do
      redis.call('XDEL', pieces, entry[1])
      grown = grown - #entry[2][2] - 64
      local offset, length = string.match(entry[1], '^(%d+)-(%d+)$')
      gapFrom, gapTo = gapFrom or tonumber(offset), offset + length
    end
  end

  redis.call('HSET', state, 'size', text(size), 'open', ARGV[5] == '1' and '' or writer,
    'by:' .. writer, number, 'at', ARGV[8])
  if gapTo then redis.call('HSET', state, 'from', text(gapFrom), 'to', text(gapTo)) end
  redis.call('EXPIRE', state, ARGV[14])
  redis.call('EXPIRE', pieces, ARGV[13])
  redis.call('ZADD', ages, ARGV[8], build)
  redis.call('HINCRBY', weights, build, grown)
  local weight = redis.call('INCRBY', total, grown)

  local function drop(old)
    redis.call('UNLINK', ARGV[15] .. old)
    weight = redis.call('DECRBY', total, redis.call('HGET', weights, old) or 0)
    redis.call('HDEL', weights, old)
    redis.call('ZREM', ages, old)
  end
  for _, old in ipairs(redis.call('ZRANGEBYSCORE', ages, '-inf', '(' .. ARGV[12], 'LIMIT', 0, 20)) do
    if old ~= build then drop(old) end
  end
  while weight > tonumber(ARGV[11]) do
    local oldest = redis.call('ZRANGE', ages, 0, 1)
    local old = oldest[1] ~= build and oldest[1] or oldest[2]
    if not old then break end
    drop(old)
  end
  redis.call('PUBLISH', channel, build)
  return size`;

/**
 * Answers pieces from the one that holds the byte, or the next one that is kept, until they hold so many
 * bytes, and none behind those.
 *
 * KEYS: state of the log, its pieces. ARGV: the byte, how many bytes are enough.
 */
export const readScript = `
  local from, enough = tonumber(ARGV[1]), tonumber(ARGV[2])
  if from >= tonumber(redis.call('HGET', KEYS[1], 'size') or '0') then return {} end
  local pieces, bytes = {}, 0
  local function take(entries)
    for _, entry in ipairs(entries) do
      if bytes >= enough then break end
      table.insert(pieces, entry)
      bytes = bytes + string.match(entry[1], '%d+$')
    end
    return #entries
  end
  local function offsetOf(entry) return tonumber(string.match(entry[1], '^%d+')) end

  local at = string.format('%.0f', from)
  local first = redis.call('XRANGE', KEYS[2], at, '+', 'COUNT', 1)
  if not first[1] or offsetOf(first[1]) > from then
    take(redis.call('XREVRANGE', KEYS[2], at, '-', 'COUNT', 1))
  end
  local next = at
  while bytes < enough and take(redis.call('XRANGE', KEYS[2], next, '+', 'COUNT', 8)) > 0 do
    next = '(' .. pieces[#pieces][1]
  end
  return pieces`;
