-- Decides in nginx which app answers a request and which of its instances takes it.
local balancer = require 'ngx.balancer'
local cjson = require 'cjson.safe'

local state = ngx.shared.ekiden
local failed = ngx.shared.ekiden_failed

-- A member that failed is passed over for so many seconds while others are there.
local rest = 2
-- Tries of one request, the first included.
local most_tries = 3

local M = {}

-- What this worker has decoded of the shared state: revision, hosts and apps.
local view = { hosts = {}, apps = {} }

local function longest_first(a, b)
    return #a.path > #b.path
end

-- A list that stays as it is goes on where it was in the round: begun anew at each change of any other app,
-- whatever has a small weight would never have its turn.
local function resume(members, before)
    local same = #members == #before
    for number, member in ipairs(members) do
        local was = before[number]
        same = same and member.address == was.address and member.weight == was.weight
    end
    return same and before or members
end

local function decode(text)
    local given = cjson.decode(text)
    if type(given) ~= 'table' or type(given.upstreams) ~= 'table' or not given.revision then
        return nil
    end
    local hosts, apps = {}, {}
    for _, upstream in ipairs(given.upstreams) do
        for _, member in ipairs(upstream.members) do
            member.host, member.port = member.address:match('^(.*):(%d+)$')
            member.turn = 0
        end
        apps[upstream.app] = resume(upstream.members, view.apps[upstream.app] or {})
        for _, route in ipairs(upstream.routes) do
            local routes = hosts[route.host] or {}
            routes[#routes + 1] = { path = route.path, app = upstream.app }
            hosts[route.host] = routes
        end
    end
    for _, routes in pairs(hosts) do
        table.sort(routes, longest_first)
    end
    return { revision = given.revision, hosts = hosts, apps = apps }
end

-- The newest state; each worker decodes it once.
local function current()
    local revision = state:get('revision')
    if revision ~= view.revision then
        view = decode(state:get('upstreams') or '') or view
    end
    return view
end

local function keep(text)
    local given = decode(text)
    if not given then
        return nil, 'not a list of upstreams'
    end
    local kept, reason = state:safe_set('upstreams', text)
    if not kept then
        return nil, reason
    end
    -- Workers look at the revision, so it comes after what it stands for.
    state:set('revision', given.revision)
    return given.revision
end

-- Called in the master process: a reload finds the shared memory filled, a start reads the file.
function M.load()
    if state:get('revision') then
        return
    end
    local file = io.open(ngx.config.prefix() .. 'state.json', 'rb')
    if file then
        keep(file:read('*a'))
        file:close()
    end
end

local function matches(path, uri)
    if path == '/' then
        return true
    end
    local following = uri:byte(#path + 1)
    return uri:sub(1, #path) == path and (following == nil or following == 47)
end

-- Once a request is to be balanced, nginx knows no other answer than 500 where nobody takes it.
local function takes(members)
    for _, member in ipairs(members) do
        if member.weight > 0 then
            return true
        end
    end
    return false
end

-- Finds the app of the request: 404 without one, 503 when nothing of it can answer.
function M.route()
    local now = current()
    local uri = ngx.var.uri
    for _, route in ipairs(now.hosts[ngx.var.host] or {}) do
        if matches(route.path, uri) then
            if not takes(now.apps[route.app]) then
                return ngx.exit(503)
            end
            ngx.ctx.app = route.app
            return
        end
    end
    return ngx.exit(404)
end

-- Smooth weighted round robin, as nginx's own, over the members that `allowed` lets through.
local function choose(members, allowed)
    local best, total = nil, 0
    for _, member in ipairs(members) do
        if member.weight > 0 and allowed(member) then
            member.turn = member.turn + member.weight
            total = total + member.weight
            if not best or member.turn > best.turn then
                best = member
            end
        end
    end
    if best then
        best.turn = best.turn - total
    end
    return best
end

local function any()
    return true
end

-- Called once for each try of a request.
function M.balance()
    local ctx = ngx.ctx
    -- Read again, because receiving a large body may have taken long.
    local members = current().apps[ctx.app] or {}
    if ctx.last then
        failed:set(ctx.last, true, rest)
    else
        ctx.tried = {}
        local more = math.min(#members, most_tries) - 1
        if more > 0 then
            balancer.set_more_tries(more)
        end
    end
    local function fresh(member)
        return not ctx.tried[member.address]
    end
    local function sound(member)
        return fresh(member) and not failed:get(member.address)
    end
    local member = choose(members, sound) or choose(members, fresh) or choose(members, any)
    if not member then
        ngx.var.ekiden_gone = 'yes'
        return ngx.exit(503)
    end
    ctx.last = member.address
    ctx.tried[member.address] = true
    local ok, reason = balancer.set_current_peer(member.host, tonumber(member.port))
    if not ok then
        ngx.log(ngx.ERR, 'cannot use member ', member.address, ': ', reason)
        return ngx.exit(502)
    end
end

function M.health(token)
    ngx.say(cjson.encode({ token = token, revision = state:get('revision') or '' }))
end

local function body()
    ngx.req.read_body()
    local data = ngx.req.get_body_data()
    local path = not data and ngx.req.get_body_file()
    local file = path and io.open(path, 'rb')
    if file then
        data = file:read('*a')
        file:close()
    end
    return data or ''
end

-- Replaces the whole list; answers with its revision once every worker goes by it.
function M.put()
    if ngx.req.get_method() ~= 'PUT' then
        return ngx.exit(405)
    end
    local revision, reason = keep(body())
    if not revision then
        ngx.status = 422
    end
    ngx.say(cjson.encode({ revision = revision, error = reason }))
end

return M
