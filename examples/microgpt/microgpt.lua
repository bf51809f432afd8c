-- microgpt in Lua 5.4: lua microgpt.lua NAMES [STEPS]
-- A GPT of one layer learns names, one a step, and then makes twenty new ones.

local CONTEXT, E, D = 16, 16, 4 -- a token is E numbers, and each head has D of them

---------------------------------------------------------------- the names
local file, steps = io.open(arg[1] or ""), math.tointeger(tonumber(arg[2] or 1000))
local names, characters, ids = {}, {}, {}
for line in file and file:lines() or function() end do table.insert(names, line:match("%S+")) end
if #names == 0 or not steps or steps < 1 then
  io.stderr:write("usage: lua microgpt.lua NAMES [STEPS]   NAMES: a file with a name a line; STEPS: 1 or more\n")
  os.exit(2)
end
for character in table.concat(names):gmatch(".") do ids[character] = true end
for character in pairs(ids) do table.insert(characters, character) end
table.sort(characters)
for id, character in ipairs(characters) do ids[character] = id end
local BOS = #characters + 1 -- begins and ends a name

---------------------------------------------------------------- random numbers: CPython's Mersenne Twister, seed 42
local words, used, spare = { [0] = 19650218 }, 0, nil
local function mixed(i, factor) return (words[i - 1] ~ (words[i - 1] >> 30)) * factor end
for i = 1, 623 do words[i] = (mixed(i, 1812433253) + i) & 0xffffffff end
for n = 0, 1246 do
  local i = n % 623 + 1
  local word = n < 624 and (words[i] ~ mixed(i, 1664525)) + 42 or (words[i] ~ mixed(i, 1566083941)) - i
  words[i] = word & 0xffffffff
  words[0] = words[623]
end
words[0] = 0x80000000

local function random_bits(n) -- at most 32
  local y = (words[used] & 0x80000000) | (words[(used + 1) % 624] & 0x7fffffff)
  y = words[(used + 397) % 624] ~ (y >> 1) ~ ((y & 1) * 0x9908b0df)
  words[used], used = y, (used + 1) % 624
  y = y ~ (y >> 11)
  y = y ~ ((y << 7) & 0x9d2c5680)
  y = y ~ ((y << 15) & 0xefc60000)
  y = y ~ (y >> 18)
  return y >> (32 - n)
end

local function random() -- in [0, 1), a multiple of 2^-53
  local high, low = random_bits(27), random_bits(26)
  return ((high << 26) | low) / 2 ^ 53
end

local function shuffle(list)
  for i = #list, 2, -1 do
    local length, j = 0, nil
    while i >> length > 0 do length = length + 1 end
    repeat j = random_bits(length) + 1 until j <= i
    list[i], list[j] = list[j], list[i]
  end
end

local function gauss(mean, std)
  local z = spare -- two numbers are made at a time
  spare = nil
  if not z then
    local angle = 2 * math.pi * random()
    local radius = math.sqrt(-2 * math.log(1 - random()))
    z, spare = math.cos(angle) * radius, math.sin(angle) * radius
  end
  return mean + z * std
end

local function choice(weights) -- an index, as random.choices finds it
  local total, sum = 0, 0
  for _, weight in ipairs(weights) do total = total + weight end
  local point = random() * total
  for i, weight in ipairs(weights) do
    sum = sum + weight
    if point < sum then return i end
  end
  return #weights
end

---------------------------------------------------------------- operations, each with its backward
-- A vector is a list of numbers with its gradient, to which each use of the vector adds; a matrix is a list of rows.
local tape = {} -- the backward of each operation, in the order of the forward

local function vector(size)
  local x = { grad = {} }
  for i = 1, size do x[i], x.grad[i] = 0.0, 0.0 end
  return x
end

local function dot(a, b, first, last)
  local sum = 0.0
  for i = first or 1, last or #a do sum = sum + a[i] * b[i] end
  return sum
end

local function add_scaled(y, a, x, first, last) -- y = y + a x
  for i = first or 1, last or #x do y[i] = y[i] + a * x[i] end
end

local function softmax(z)
  local largest, exps, sum = math.max(table.unpack(z)), {}, 0.0
  for i, value in ipairs(z) do exps[i] = math.exp(value - largest) end
  for _, value in ipairs(exps) do sum = sum + value end
  for i, value in ipairs(exps) do exps[i] = value / sum end
  return exps
end

local function add(a, b)
  local y = vector(#a)
  for i, value in ipairs(a) do y[i] = value + b[i] end
  tape[#tape + 1] = function()
    add_scaled(a.grad, 1, y.grad)
    add_scaled(b.grad, 1, y.grad)
  end
  return y
end

local function linear(w, x) -- y = w x: (M, N) @ (N,) -> (M,)
  local y = vector(#w)
  for i, row in ipairs(w) do y[i] = dot(row, x) end
  tape[#tape + 1] = function()
    for i, row in ipairs(w) do
      add_scaled(x.grad, y.grad[i], row)
      add_scaled(row.grad, y.grad[i], x)
    end
  end
  return y
end

local function rms_norm(x) -- y = x / sqrt(mean(x^2) + 1e-5)
  local y, scale = vector(#x), 1 / math.sqrt(dot(x, x) / #x + 1e-5)
  add_scaled(y, scale, x)
  tape[#tape + 1] = function()
    add_scaled(x.grad, scale, y.grad)
    add_scaled(x.grad, -scale * dot(y, y.grad) / #x, y)
  end
  return y
end

local function relu(x)
  local y = vector(#x)
  for i, value in ipairs(x) do y[i] = math.max(value, 0.0) end
  tape[#tape + 1] = function()
    for i, dy in ipairs(y.grad) do x.grad[i] = x.grad[i] + (x[i] > 0 and dy or 0.0) end
  end
  return y
end

local function attention(q, keys, values) -- of one token to those before it and to itself
  local y, probs = vector(#q), {}
  for first = 1, #q, D do
    local last, scores = first + D - 1, {}
    for s, k in ipairs(keys) do scores[s] = dot(q, k, first, last) / math.sqrt(D) end
    probs[first] = softmax(scores)
    for s, p in ipairs(probs[first]) do add_scaled(y, p, values[s], first, last) end
  end
  tape[#tape + 1] = function()
    for first, p in pairs(probs) do
      local last = first + D - 1
      local mean = dot(y, y.grad, first, last)
      for s = 1, #p do
        local dscore = p[s] * (dot(values[s], y.grad, first, last) - mean) / math.sqrt(D)
        add_scaled(q.grad, dscore, keys[s], first, last)
        add_scaled(keys[s].grad, dscore, q, first, last)
        add_scaled(values[s].grad, p[s], y.grad, first, last)
      end
    end
  end
  return y
end

---------------------------------------------------------------- the model; the weights are drawn in this order
local parameters = {} -- all rows of all matrices

local function matrix(rows, columns)
  local w = {}
  for i = 1, rows do
    w[i] = vector(columns)
    w[i].m, w[i].v = {}, {} -- for Adam
    for j = 1, columns do w[i][j], w[i].m[j], w[i].v[j] = gauss(0, 0.08), 0.0, 0.0 end
    table.insert(parameters, w[i])
  end
  return w
end

shuffle(names)
local wte, wpe, lm_head = matrix(BOS, E), matrix(CONTEXT, E), matrix(BOS, E)
local wq, wk, wv, wo = matrix(E, E), matrix(E, E), matrix(E, E), matrix(E, E)
local fc1, fc2 = matrix(4 * E, E), matrix(E, 4 * E)

local function gpt(token, position, keys, values) -- the logits after a token; its key and value join the lists
  local x = rms_norm(add(wte[token], wpe[position]))
  local n = rms_norm(x)
  keys[position], values[position] = linear(wk, n), linear(wv, n)
  x = add(x, linear(wo, attention(linear(wq, n), keys, values)))
  x = add(x, linear(fc2, relu(linear(fc1, rms_norm(x)))))
  return linear(lm_head, x)
end

---------------------------------------------------------------- train by Adam
for step = 1, steps do
  local name, keys, values = names[(step - 1) % #names + 1], {}, {}
  local n, token, loss = math.min(#name + 1, CONTEXT), BOS, 0
  for position = 1, n do
    local logits = gpt(token, position, keys, values)
    local p = softmax(logits)
    token = ids[name:sub(position, position)] or BOS -- the one that comes next
    loss = loss - math.log(p[token]) / n
    add_scaled(logits.grad, 1 / n, p)
    logits.grad[token] = logits.grad[token] - 1 / n
  end
  while #tape > 0 do table.remove(tape)() end
  local lr, beta1, beta2 = 0.01 * (1 - (step - 1) / steps), 0.85, 0.99
  local scale1, scale2 = 1 - beta1 ^ step, 1 - beta2 ^ step
  for _, x in ipairs(parameters) do
    local m, v, grad = x.m, x.v, x.grad
    for i, g in ipairs(grad) do
      m[i] = beta1 * m[i] + (1 - beta1) * g
      v[i] = beta2 * v[i] + (1 - beta2) * g * g
      x[i] = x[i] - lr * (m[i] / scale1) / (math.sqrt(v[i] / scale2) + 1e-8)
      grad[i] = 0.0
    end
  end
  print(("step %4d / %4d | loss %.4f"):format(step, steps, loss))
end

---------------------------------------------------------------- make names
for _ = 1, 20 do
  local name, token, keys, values = "", BOS, {}, {}
  for position = 1, CONTEXT do
    local logits = gpt(token, position, keys, values)
    for i, z in ipairs(logits) do logits[i] = z / 0.5 end -- temperature 0.5
    token = choice(softmax(logits))
    if token == BOS then break end
    name = name .. characters[token]
  end
  print(name)
end
