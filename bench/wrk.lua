-- What wrk asks cartd for. The arguments after "--" are: KIND CARTS SEED.
--
-- KIND is add (one more of a line that the cart has) or get. Cart n has n in the last group of
-- its id and, as line k of four, the product p<(n + k) mod 1000>; see load.c. The requests are drawn
-- and put together before the clock starts, so that wrk itself costs as little as it can.

local requests = {}
local n_requests = 100000
local at = 0

local function post(path, body)
    return "POST " .. path .. " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        .. "Content-Length: " .. #body .. "\r\n\r\n" .. body
end

local function get(path)
    return "GET " .. path .. " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
end

local function draw(kind, carts)
    local cart = math.random(carts) - 1
    local path = string.format("/carts/01936f6e-0000-7000-8000-%012.0f", 100000000000 + cart)
    if kind == "get" then
        return get(path)
    end
    local sku = (cart + math.random(4) - 1) % 1000
    return post(path .. "/items", '{"sku":"p' .. sku .. '","quantity":1}')
end

function init(args)
    local kind, carts, seed = args[1], tonumber(args[2]), tonumber(args[3])
    math.randomseed(seed)
    for i = 1, n_requests do
        requests[i] = draw(kind, carts)
    end
end

function request()
    at = at % n_requests + 1
    return requests[at]
end

function done(summary)
    local errors = summary.errors
    io.write(string.format(
        '\nRESULT {"requests":%d,"duration_us":%d,"status":%d,"socket":%d,"timeout":%d}\n',
        summary.requests, summary.duration, errors.status,
        errors.connect + errors.read + errors.write, errors.timeout))
end
