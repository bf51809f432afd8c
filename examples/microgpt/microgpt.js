// microgpt in JavaScript: node microgpt.js NAMES [STEPS]
// A GPT of one layer learns names, one a step, and then makes twenty new ones.
// Math.log, cos and sin differ from C's in the last bit now and then: the losses do in the fifteenth digit.
"use strict";
const { readFileSync } = require("node:fs");

const CONTEXT = 16, E = 16, D = 4; // a token is E numbers, and each head has D of them

// ---------------------------------------------------------------- the names
const [path = "", wanted = "1000"] = process.argv.slice(2), steps = Number(wanted);
let text = "";
try { text = readFileSync(path, "utf8"); } catch { /* a file that cannot be read has no names */ }
const names = text.split("\n").map((line) => line.trim()).filter(Boolean);
if (names.length === 0 || !Number.isInteger(steps) || steps < 1) {
  console.error("usage: node microgpt.js NAMES [STEPS]   NAMES: a file with a name a line; STEPS: 1 or more");
  process.exit(2);
}
const characters = [...new Set(names.join(""))].sort(), BOS = characters.length; // BOS begins and ends a name

const sum = (values) => values.reduce((a, b) => a + b, 0);

// ---------------------------------------------------------------- random numbers: CPython's Mersenne Twister
class Random {
  words = new Uint32Array(624);
  used = 0;
  spare = null; // gauss() makes two numbers at a time

  constructor(seed) {
    const x = this.words, mixed = (i, factor) => Math.imul(x[i - 1] ^ (x[i - 1] >>> 30), factor);
    x[0] = 19650218;
    for (let i = 1; i < 624; i++) x[i] = mixed(i, 1812433253) + i;
    for (let n = 0; n < 624 + 623; n++) {
      const i = (n % 623) + 1;
      x[i] = n < 624 ? (x[i] ^ mixed(i, 1664525)) + seed : (x[i] ^ mixed(i, 1566083941)) - i;
      x[0] = x[623];
    }
    x[0] = 0x80000000;
  }

  bits(n) { // at most 32
    const x = this.words, i = this.used;
    let y = (x[i] & 0x80000000) | (x[(i + 1) % 624] & 0x7fffffff);
    y = x[i] = x[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    this.used = (i + 1) % 624;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> (32 - n);
  }

  random() { // in [0, 1), a multiple of 2**-53
    return (this.bits(27) * 2 ** 26 + this.bits(26)) / 2 ** 53;
  }

  shuffle(items) {
    for (let i = items.length - 1; i > 0; i--) {
      let j;
      do j = this.bits(32 - Math.clz32(i + 1)); while (j > i);
      [items[i], items[j]] = [items[j], items[i]];
    }
  }

  gauss(mean, std) {
    let z = this.spare;
    this.spare = null;
    if (z === null) {
      const angle = 2 * Math.PI * this.random(), radius = Math.sqrt(-2 * Math.log(1 - this.random()));
      z = Math.cos(angle) * radius;
      this.spare = Math.sin(angle) * radius;
    }
    return mean + z * std;
  }

  choice(weights) { // an index, as random.choices finds it
    const point = this.random() * sum(weights);
    let reached = 0;
    const index = weights.findIndex((weight) => point < (reached += weight));
    return index < 0 ? weights.length - 1 : index;
  }
}

// ---------------------------------------------------------------- operations, each with its backward
// A vector has numbers and their gradient, to which each use of the vector adds; a matrix is an array of rows.
class Vector {
  constructor(data) {
    this.data = Float64Array.from(data);
    this.grad = new Float64Array(data.length);
  }
}

const tape = []; // the backward of each operation, in the order of the forward

function operation(data, backward) {
  const y = new Vector(data);
  tape.push(() => backward(y.grad));
  return y;
}

function dot(a, b) {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}

function addScaled(y, a, x) { // y += a x
  for (let i = 0; i < x.length; i++) y[i] += a * x[i];
}

function softmax(z) {
  const largest = Math.max(...z), exps = z.map((value) => Math.exp(value - largest)), total = sum(exps);
  return exps.map((value) => value / total);
}

function add(a, b) {
  return operation(a.data.map((value, i) => value + b.data[i]), (dy) => {
    addScaled(a.grad, 1, dy);
    addScaled(b.grad, 1, dy);
  });
}

function linear(w, x) { // y = w x: (M, N) @ (N,) -> (M,)
  return operation(w.map((row) => dot(row.data, x.data)), (dy) => w.forEach((row, i) => {
    addScaled(x.grad, dy[i], row.data);
    addScaled(row.grad, dy[i], x.data);
  }));
}

function rmsNorm(x) { // y = x / sqrt(mean(x²) + 1e-5)
  const N = x.data.length, scale = 1 / Math.sqrt(dot(x.data, x.data) / N + 1e-5);
  const y = x.data.map((value) => value * scale);
  return operation(y, (dy) => {
    addScaled(x.grad, scale, dy);
    addScaled(x.grad, (-scale * dot(y, dy)) / N, y);
  });
}

function relu(x) {
  return operation(x.data.map((value) => Math.max(value, 0)), (dy) => dy.forEach((d, i) => {
    if (x.data[i] > 0) x.grad[i] += d;
  }));
}

function attention(q, keys, values) { // of one token to those before it and to itself
  const y = new Float64Array(E), heads = [];
  for (let h = 0; h < E; h += D) {
    const part = (x) => x.subarray(h, h + D);
    const p = softmax(keys.map((k) => dot(part(q.data), part(k.data)) / Math.sqrt(D)));
    p.forEach((weight, s) => addScaled(part(y), weight, part(values[s].data)));
    heads.push({ part, p });
  }
  return operation(y, (dy) => heads.forEach(({ part, p }) => {
    const mean = dot(part(y), part(dy));
    p.forEach((weight, s) => {
      const dscore = (weight * (dot(part(values[s].data), part(dy)) - mean)) / Math.sqrt(D);
      addScaled(part(q.grad), dscore, part(keys[s].data));
      addScaled(part(keys[s].grad), dscore, part(q.data));
      addScaled(part(values[s].grad), weight, part(dy));
    });
  }));
}

// ---------------------------------------------------------------- the model; the weights are drawn in this order
const random = new Random(42);
random.shuffle(names);

const matrix = (rows, columns) => Array.from({ length: rows }, () => {
  const row = new Vector(Array.from({ length: columns }, () => random.gauss(0, 0.08)));
  return Object.assign(row, { m: new Float64Array(columns), v: new Float64Array(columns) }); // m and v are Adam's
});

const wte = matrix(BOS + 1, E), wpe = matrix(CONTEXT, E), head = matrix(BOS + 1, E);
const wq = matrix(E, E), wk = matrix(E, E), wv = matrix(E, E), wo = matrix(E, E);
const fc1 = matrix(4 * E, E), fc2 = matrix(E, 4 * E);
const parameters = [wte, wpe, head, wq, wk, wv, wo, fc1, fc2].flat();

function gpt(token, keys, values) { // the logits after a token; its key and value join the others
  let x = rmsNorm(add(wte[token], wpe[keys.length]));
  const n = rmsNorm(x);
  keys.push(linear(wk, n));
  values.push(linear(wv, n));
  x = add(x, linear(wo, attention(linear(wq, n), keys, values)));
  x = add(x, linear(fc2, relu(linear(fc1, rmsNorm(x)))));
  return linear(head, x);
}

// ---------------------------------------------------------------- train by Adam
const BETA1 = 0.85, BETA2 = 0.99;
for (let step = 1; step <= steps; step++) {
  const ids = [...names[(step - 1) % names.length]].map((character) => characters.indexOf(character));
  const tokens = [BOS, ...ids, BOS], n = Math.min(tokens.length - 1, CONTEXT), keys = [], values = [];
  let loss = 0;
  for (let i = 0; i < n; i++) {
    const logits = gpt(tokens[i], keys, values), p = softmax(logits.data), target = tokens[i + 1];
    loss -= Math.log(p[target]) / n;
    addScaled(logits.grad, 1 / n, p);
    logits.grad[target] -= 1 / n;
  }
  while (tape.length > 0) tape.pop()();
  const lr = 0.01 * (1 - (step - 1) / steps), scale1 = 1 - BETA1 ** step, scale2 = 1 - BETA2 ** step;
  for (const { data, grad, m, v } of parameters) {
    grad.forEach((g, i) => {
      m[i] = BETA1 * m[i] + (1 - BETA1) * g;
      v[i] = BETA2 * v[i] + (1 - BETA2) * g * g;
      data[i] -= (lr * (m[i] / scale1)) / (Math.sqrt(v[i] / scale2) + 1e-8);
    });
    grad.fill(0);
  }
  console.log(`step ${String(step).padStart(4)} / ${String(steps).padStart(4)} | loss ${loss.toFixed(4)}`);
}

// ---------------------------------------------------------------- make names
for (let n = 0; n < 20; n++) {
  let name = "", token = BOS;
  const keys = [], values = [];
  do {
    const logits = gpt(token, keys, values);
    token = random.choice(softmax(logits.data.map((z) => z / 0.5))); // temperature 0.5
    name += characters[token] ?? "";
  } while (token !== BOS && keys.length < CONTEXT);
  console.log(name);
}
