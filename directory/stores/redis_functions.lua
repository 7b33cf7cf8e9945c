-- What a directory does in a Redis server. Each function is one step there.
--
-- openred:node:ID        the node: see write_node()
-- openred:next:ID        the pinned next, base64url
-- openred:followed:ID    the succession that ended ID: new id, stored at, host, text
-- openred:ban:ID         when ID was banned, and why; openred:bans has those ids in their order
-- openred:key:ID         a key of a directory that takes invited nodes only: see key_of(); openred:keys has their ids
-- openred:key_users:ID   the ids that it has let in
-- openred:leases, :gone  ids by the end of their leases: of those that are not gone, and of those that are
-- openred:listed, :alias:NAME, :service:NAME   what lists walk through, in the order of ids
-- openred:hosts          how many places of each host are taken
-- openred:jti:JTI        a used proof; expires
-- openred:own            small values of the directory's own
-- openred:store          small values of the store's own
-- openred:rate:…         counters; expire
-- openred:room:…         calls under way; expire
local P = 'openred:'
local LEASES, GONE, LISTED = P .. 'leases', P .. 'gone', P .. 'listed'
local HOSTS, OWN, STORE, BANS = P .. 'hosts', P .. 'own', P .. 'store', P .. 'bans'
-- as SWEPT_A_STEP of store.ts
local NODES_A_STEP = 10
local LOOKED_AT = 1000
local MAX_FLOOR_AHEAD = 300

local function text_of(number)
  return string.format('%.0f', number)
end

local function server_now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- What is to be added to an instant of the caller's clock. With `time` = 'caller' its clock is the one that counts.
local function shift_of(time, caller_now)
  if time == 'caller' then return 0 end
  return server_now() - tonumber(caller_now)
end

-- Which life of which server this is: another one after a restart, or where a replica took over.
local function life_of_server()
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  local history = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
  return run .. ':' .. history
end

-- Has the memory of proofs begin anew in a life that is new. Returns the second up to which proofs may have been used.
local function proof_floor(now)
  local life = life_of_server()
  local known = redis.call('HMGET', STORE, 'life', 'proof_floor')
  local floor = tonumber(known[2] or '0')
  if known[1] == life then return floor end
  floor = math.max(floor, math.floor(now / 1000))
  redis.call('HSET', STORE, 'life', life, 'proof_floor', text_of(floor))
  return floor
end

local function read_node(value)
  if not value then return nil end
  local seen, lease, called, seq, gone, listed, host, alias, services, rest, text = string.match(
    value,
    '^(%S+) (%S+) (%S+) (%S+) (%d) (%d)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n(.*)$'
  )
  return {
    seen = tonumber(seen), lease = tonumber(lease), called = tonumber(called), seq = tonumber(seq),
    gone = gone, listed = listed, host = host, alias = alias, services = services, rest = rest,
    text = text,
  }
end

local function write_node(id, node)
  local head = table.concat({
    text_of(node.seen), text_of(node.lease), text_of(node.called), text_of(node.seq), node.gone, node.listed,
  }, ' ')
  redis.call('SET', P .. 'node:' .. id, table.concat({
    head, node.host, node.alias, node.services, node.rest, node.text,
  }, '\n'))
  redis.call('ZADD', node.gone == '1' and GONE or LEASES, text_of(node.lease), id)
end

-- The lists in which a node stands.
local function lists_of(node)
  local lists = {}
  if not node or node.listed == '0' then return lists end
  lists[LISTED] = true
  if node.alias ~= '' then lists[P .. 'alias:' .. node.alias] = true end
  for name in string.gmatch(node.services, '[^\t]+') do lists[P .. 'service:' .. name] = true end
  return lists
end

local function move_lists(id, before, after)
  for list in pairs(before) do
    if not after[list] then redis.call('ZREM', list, id) end
  end
  for list in pairs(after) do
    if not before[list] then redis.call('ZADD', list, 0, id) end
  end
end

local function count_host(host, by)
  if host == '' then return end
  if redis.call('HINCRBY', HOSTS, host, by) <= 0 then redis.call('HDEL', HOSTS, host) end
end

local function store_node(id, node, before)
  move_lists(id, lists_of(before), lists_of(node))
  if before and before.gone ~= node.gone then
    redis.call('ZREM', before.gone == '1' and GONE or LEASES, id)
  end
  local host = before and before.host or ''
  if host ~= node.host then
    count_host(host, -1)
    count_host(node.host, 1)
  end
  write_node(id, node)
end

local function drop_node(id)
  local node = read_node(redis.call('GET', P .. 'node:' .. id))
  if not node then return nil end
  move_lists(id, lists_of(node), {})
  redis.call('ZREM', node.gone == '1' and GONE or LEASES, id)
  count_host(node.host, -1)
  redis.call('DEL', P .. 'node:' .. id)
  return node
end

local function pin(id, next)
  if next ~= '' then redis.call('SET', P .. 'next:' .. id, next, 'NX') end
end

-- The place of the old id on its host stays taken.
local function store_succession(old, new, stored_at, text, next)
  local followed = P .. 'followed:' .. old
  local node = drop_node(old)
  if redis.call('EXISTS', followed) == 0 then
    local host = node and node.host or ''
    redis.call('SET', followed, table.concat({ new, stored_at, host, text }, '\n'))
    count_host(host, 1)
    redis.call('HINCRBY', STORE, 'followed', 1)
  end
  pin(new, next)
end

-- The arguments of a node, from args[at] on: see nodeArgs() of redis_entries.ts.
local function node_of(args, at)
  return {
    seen = tonumber(args[at]), lease = tonumber(args[at + 1]), called = tonumber(args[at + 2]),
    seq = tonumber(args[at + 3]), gone = args[at + 4], listed = args[at + 5], host = args[at + 6],
    alias = args[at + 7], services = args[at + 8], rest = args[at + 9], text = args[at + 10],
  }
end

local NODE_ARGS = 11

-- What comes with a node, from args[at] on: a succession, if there is one, and the next that its record names.
local function store_statements(args, at, id, shift)
  if args[at] ~= '' then
    local stored_at = text_of(tonumber(args[at + 2]) + shift)
    store_succession(args[at], args[at + 1], stored_at, args[at + 3], args[at + 4])
  end
  pin(id, args[at + 5])
end

-- time, id, latest seq, the node, what comes with it
local function put(_, args)
  local id, latest = args[2], tonumber(args[3])
  local node = node_of(args, 4)
  local shift = shift_of(args[1], args[4])
  local followed = redis.call('GET', P .. 'followed:' .. id)
  if followed then return { 'succeeded', followed } end
  if redis.call('EXISTS', P .. 'ban:' .. id) == 1 then return { 'banned', '' } end
  local value = redis.call('GET', P .. 'node:' .. id)
  local before = read_node(value)
  if before and not (node.seq > before.seq or before.seq > latest) then return { 'behind', value } end
  node.seen, node.lease = node.seen + shift, node.lease + shift
  if node.called > 0 then node.called = node.called + shift end
  store_node(id, node, before)
  store_statements(args, 4 + NODE_ARGS, id, shift)
  return { 'stored', '' }
end

-- By bytes; `<` goes by the server's locale.
local function is_above(one, other)
  for at = 1, math.min(#one, #other) do
    local a, b = string.byte(one, at), string.byte(other, at)
    if a ~= b then return a > b end
  end
  return #one > #other
end

-- id, the node, what comes with it
local function merge(_, args)
  local id = args[1]
  local node = node_of(args, 2)
  store_statements(args, 2 + NODE_ARGS, id, 0)
  if redis.call('EXISTS', P .. 'followed:' .. id, P .. 'ban:' .. id) > 0 then return 'OK' end
  local before = read_node(redis.call('GET', P .. 'node:' .. id))
  if before and before.seq == node.seq and before.text == node.text then
    before.seen = math.max(before.seen, node.seen)
    before.lease = math.max(before.lease, node.lease)
    before.called = math.max(before.called, node.called)
    write_node(id, before)
  elseif not before or node.seq > before.seq
    or (node.seq == before.seq and is_above(node.text, before.text)) then
    store_node(id, node, before)
  end
  return 'OK'
end

-- time, now, old, new, stored at, text, next
local function put_succession(_, args)
  local stored_at = text_of(tonumber(args[5]) + shift_of(args[1], args[2]))
  store_succession(args[3], args[4], stored_at, args[6], args[7])
  return 'OK'
end

-- after, limit, leases end after, and by, service, alias
local function list(_, args)
  local limit, low, high = tonumber(args[2]), tonumber(args[3]), tonumber(args[4])
  local service = args[5] ~= '' and P .. 'service:' .. args[5] or nil
  local walked = args[6] ~= '' and P .. 'alias:' .. args[6] or service or LISTED
  local has_service = service and walked ~= service
  local from = args[1] == '' and '-' or '(' .. args[1]
  local ids = redis.call('ZRANGEBYLEX', walked, from, '+', 'LIMIT', 0, LOOKED_AT)
  local found = { #ids == LOOKED_AT and ids[#ids] or '' }
  for _, id in ipairs(ids) do
    local lease = tonumber(redis.call('ZSCORE', LEASES, id))
    local is_named = not has_service or redis.call('ZSCORE', service, id)
    if is_named and lease > low and lease <= high then
      if #found == 2 * limit + 1 then
        found[1] = found[#found - 1]
        break
      end
      table.insert(found, id)
      table.insert(found, redis.call('GET', P .. 'node:' .. id))
    end
  end
  return found
end

-- lease end and id of the last one before the page, or empty; limit, whether gone
local function list_all(_, args)
  local leases = args[4] == '1' and GONE or LEASES
  local from = 0
  if args[2] ~= '' then
    local lease = redis.call('ZSCORE', leases, args[2])
    if lease and tonumber(lease) == tonumber(args[1]) then
      from = redis.call('ZREVRANK', leases, args[2]) + 1
    else
      from = redis.call('ZCOUNT', leases, '(' .. args[1], '+inf')
    end
  end
  local found = {}
  for _, id in ipairs(redis.call('ZREVRANGE', leases, from, from + tonumber(args[3]) - 1)) do
    table.insert(found, id)
    table.insert(found, redis.call('GET', P .. 'node:' .. id))
  end
  return found
end

-- id
local function remove(_, args)
  if not drop_node(args[1]) then return 0 end
  redis.call('DEL', P .. 'next:' .. args[1])
  return 1
end

-- time, banned at by the caller's clock, id, note
local function ban(_, args)
  local key = P .. 'ban:' .. args[3]
  local before = redis.call('GET', key)
  local at = before and string.match(before, '^(%S+)\n') or text_of(tonumber(args[2]) + shift_of(args[1], args[2]))
  redis.call('SET', key, at .. '\n' .. args[4])
  redis.call('ZADD', BANS, 0, args[3])
  drop_node(args[3])
  return 'OK'
end

-- id
local function unban(_, args)
  redis.call('ZREM', BANS, args[1])
  return redis.call('DEL', P .. 'ban:' .. args[1])
end

-- after, limit
local function list_bans(_, args)
  local from = args[1] == '' and '-' or '(' .. args[1]
  local found = {}
  for _, id in ipairs(redis.call('ZRANGEBYLEX', BANS, from, '+', 'LIMIT', 0, args[2])) do
    table.insert(found, id)
    table.insert(found, redis.call('GET', P .. 'ban:' .. id))
  end
  return found
end

-- A key is its instants made, expires and revoked, 0 for never, with how many it lets in; its secret; its note.
local function key_of(id)
  local value = redis.call('GET', P .. 'key:' .. id)
  if not value then return nil end
  local made, expires, revoked, uses, rest = string.match(value, '^(%S+) (%S+) (%S+) (%S+)\n(.*)$')
  return {
    made = made, expires = tonumber(expires), revoked = tonumber(revoked), uses = tonumber(uses), rest = rest,
    used = redis.call('SCARD', P .. 'key_users:' .. id),
  }
end

local function write_key(id, key)
  local head = table.concat({ key.made, text_of(key.expires), text_of(key.revoked), text_of(key.uses) }, ' ')
  redis.call('SET', P .. 'key:' .. id, head .. '\n' .. key.rest)
end

-- time, now, id, expires, uses, secret, note
local function add_key(_, args)
  local shift, expires = shift_of(args[1], args[2]), tonumber(args[4])
  if expires > 0 then expires = expires + shift end
  write_key(args[3], {
    made = text_of(tonumber(args[2]) + shift), expires = expires, revoked = 0, uses = tonumber(args[5]),
    rest = args[6] .. '\n' .. args[7],
  })
  redis.call('ZADD', P .. 'keys', 0, args[3])
  return 'OK'
end

-- id, a node's id. Returns the key, how many it has let in, and whether that node is one of them.
local function find_key(_, args)
  local value = redis.call('GET', P .. 'key:' .. args[1])
  if not value then return {} end
  local users = P .. 'key_users:' .. args[1]
  return { value, redis.call('SCARD', users), redis.call('SISMEMBER', users, args[2]) }
end

-- time, now, id, the node's id. Returns why it is not let in, or an empty text.
local function use_key(_, args)
  local key = key_of(args[3])
  if not key then return 'unknown' end
  if key.revoked > 0 then return 'revoked' end
  local now = tonumber(args[2]) + shift_of(args[1], args[2])
  if key.expires > 0 and now >= key.expires then return 'expired' end
  local users = P .. 'key_users:' .. args[3]
  if redis.call('SISMEMBER', users, args[4]) == 1 then return '' end
  if key.used >= key.uses then return 'used' end
  redis.call('SADD', users, args[4])
  return ''
end

-- time, now, id
local function revoke_key(_, args)
  local key = key_of(args[3])
  if not key or key.revoked > 0 then return 0 end
  key.revoked = tonumber(args[2]) + shift_of(args[1], args[2])
  write_key(args[3], key)
  return 1
end

-- after, limit. Returns id, key and how many it has let in, in turn.
local function list_keys(_, args)
  local from = args[1] == '' and '-' or '(' .. args[1]
  local found = {}
  for _, id in ipairs(redis.call('ZRANGEBYLEX', P .. 'keys', from, '+', 'LIMIT', 0, args[2])) do
    table.insert(found, id)
    table.insert(found, redis.call('GET', P .. 'key:' .. id))
    table.insert(found, text_of(redis.call('SCARD', P .. 'key_users:' .. id)))
  end
  return found
end

-- Nodes by the instants of the last sweep: active, stale, dormant.
local function count()
  local at = redis.call('HMGET', STORE, 'active_after', 'recent_after')
  local all = redis.call('ZCARD', LEASES)
  local recent = at[2] and redis.call('ZCOUNT', LEASES, '(' .. at[2], '+inf') or all
  local active = at[1] and redis.call('ZCOUNT', LEASES, '(' .. at[1], '+inf') or all
  return { active, recent - active, all - recent }
end

-- Ids of which something is kept.
local function count_stored()
  local followed = tonumber(redis.call('HGET', STORE, 'followed') or '0')
  return redis.call('ZCARD', LEASES) + redis.call('ZCARD', GONE) + followed
end

-- time, now; said once for every connection
local function begin(_, args)
  local now = args[1] == 'caller' and tonumber(args[2]) or server_now()
  proof_floor(now)
  return text_of(now)
end

-- time, now, jti, iat, for how long a proof is remembered
local function claim_proof(_, args)
  local now = args[1] == 'caller' and tonumber(args[2]) or server_now()
  local iat, memory = tonumber(args[4]), tonumber(args[5])
  local floor = proof_floor(now)
  local now_sec = math.floor(now / 1000)
  if floor > now_sec + MAX_FLOOR_AHEAD then
    floor = now_sec
    redis.call('HSET', STORE, 'proof_floor', text_of(floor))
  end
  if iat <= floor then return 0 end
  -- Whatever the caller's clock says, no proof may be taken once it is forgotten that it was used.
  if args[1] ~= 'caller' and math.abs(now - iat * 1000) > memory / 2 then return 0 end
  return redis.call('SET', P .. 'jti:' .. args[3], '1', 'NX', 'PX', memory) and 1 or 0
end

-- time, now, forget leases before, cut leases behind, active after, recent after; empty: none
local function sweep(_, args)
  local now = tonumber(args[2])
  local shift = shift_of(args[1], args[2])
  local left, forgotten = NODES_A_STEP, 0
  for _, leases in ipairs({ LEASES, GONE }) do
    if args[3] ~= '' and left > 0 then
      local before = '(' .. text_of(tonumber(args[3]) + shift)
      local ids = redis.call('ZRANGEBYSCORE', leases, '-inf', before, 'LIMIT', 0, left)
      for _, id in ipairs(ids) do
        drop_node(id)
        redis.call('DEL', P .. 'next:' .. id)
      end
      forgotten = forgotten + #ids
      left = left - #ids
    end
    if args[4] ~= '' and left > 0 then
      local latest = tonumber(args[4]) + shift
      local ids = redis.call('ZRANGEBYSCORE', leases, '(' .. text_of(latest), '+inf', 'LIMIT', 0, left)
      for _, id in ipairs(ids) do
        local node = read_node(redis.call('GET', P .. 'node:' .. id))
        node.lease = latest
        node.seen = math.min(node.seen, now + shift)
        node.called = math.min(node.called, now + shift)
        write_node(id, node)
      end
      left = left - #ids
    end
  end
  redis.call(
    'HSET', STORE,
    'active_after', text_of(tonumber(args[5]) + shift),
    'recent_after', text_of(tonumber(args[6]) + shift)
  )
  return { forgotten, left > 0 and 1 or 0 }
end

-- name, value that has to be there or empty, value
local function swap_own(_, args)
  local there = redis.call('HGET', OWN, args[1]) or ''
  if there ~= args[2] then return 0 end
  redis.call('HSET', OWN, args[1], args[3])
  return 1
end

-- what is counted, how many a window, its length, how many are wanted. Returns how many are granted, and what is left
-- of the window.
local function take(_, args)
  local key = P .. 'rate:' .. args[1]
  local max, wanted = tonumber(args[2]), tonumber(args[4])
  local taken = tonumber(redis.call('GET', key) or '0')
  local granted = math.max(0, math.min(wanted, max - taken))
  if granted > 0 then
    redis.call('INCRBY', key, granted)
    if taken == 0 then redis.call('PEXPIRE', key, args[3]) end
  end
  return { granted, redis.call('PTTL', key) }
end

-- a name for the call, how long it may last, and places with how many each may hold
local function enter(_, args)
  local now = server_now()
  for at = 3, #args, 2 do
    local key, max = P .. 'room:' .. args[at], tonumber(args[at + 1])
    redis.call('ZREMRANGEBYSCORE', key, '-inf', text_of(now))
    if max > 0 and redis.call('ZCARD', key) >= max then return 0 end
  end
  for at = 3, #args, 2 do
    local key = P .. 'room:' .. args[at]
    redis.call('ZADD', key, text_of(now + tonumber(args[2])), args[1])
    redis.call('PEXPIRE', key, args[2])
  end
  return 1
end

-- the name of the call, its places
local function leave(_, args)
  for at = 2, #args do redis.call('ZREM', P .. 'room:' .. args[at], args[1]) end
  return 'OK'
end

local function register(name, callback, flags)
  redis.register_function({ function_name = PREFIX .. name, callback = callback, flags = flags or {} })
end

register('put', put)
register('merge', merge)
register('put_succession', put_succession)
register('list', list, { 'no-writes' })
register('list_all', list_all, { 'no-writes' })
register('remove', remove, { 'allow-oom' })
register('ban', ban)
register('unban', unban, { 'allow-oom' })
register('list_bans', list_bans, { 'no-writes' })
register('add_key', add_key)
register('find_key', find_key, { 'no-writes' })
register('use_key', use_key)
register('revoke_key', revoke_key, { 'allow-oom' })
register('list_keys', list_keys, { 'no-writes' })
register('count', count, { 'no-writes' })
register('count_stored', count_stored, { 'no-writes' })
register('begin', begin, { 'allow-oom' })
register('claim_proof', claim_proof)
register('sweep', sweep, { 'allow-oom' })
register('swap_own', swap_own)
register('take', take)
register('enter', enter)
register('leave', leave, { 'allow-oom' })
