// The whole of docs/protocol.md in JavaScript: node port.mjs conformance --list, --serve, or REQUEST RESPONSE.
// Numbers are computed in double, and rounded when they are stored in an array of the request's dtype.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

class Refused extends Error {}

const TYPES = { F32: Float32Array, F64: Float64Array, I32: Int32Array };
const WEIGHTS = ["wte", "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"];

// ---------------------------------------------------------------- files
function read(path) {
  const bytes = readFileSync(path);
  const n = Number(bytes.readBigUInt64LE(0));
  const { __metadata__: metadata, ...header } = JSON.parse(bytes.toString("utf8", 8, 8 + n));
  const arrays = {};
  for (const [name, { dtype, shape, data_offsets: [begin, end] }] of Object.entries(header)) {
    const copy = new Uint8Array(bytes.subarray(8 + n + begin, 8 + n + end)).buffer;
    arrays[name] = Object.assign(new TYPES[dtype](copy), { shape });
  }
  return { metadata, arrays };
}

function write(path, metadata, arrays) {
  const header = { __metadata__: metadata }, parts = [];
  let end = 0;
  for (const [name, a] of Object.entries(arrays).sort((x, y) => y[1].BYTES_PER_ELEMENT - x[1].BYTES_PER_ELEMENT)) {
    const dtype = a instanceof Int32Array ? "I32" : a instanceof Float32Array ? "F32" : "F64";
    header[name] = { dtype, shape: a.shape, data_offsets: [end, (end += a.byteLength)] };
    parts.push(bytesOf(a));
  }
  let text = JSON.stringify(header);
  text += " ".repeat((8 - (Buffer.byteLength(text) % 8)) % 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(text)));
  writeFileSync(path, Buffer.concat([length, Buffer.from(text), ...parts]));
}

const bytesOf = (a) => Buffer.from(a.buffer, a.byteOffset, a.byteLength);

// ---------------------------------------------------------------- operations: c makes arrays of the request's dtype
const row = (a, i, n) => a.subarray(i * n, (i + 1) * n);
const sizeOf = (shape) => shape.reduce((x, y) => x * y, 1);

function ids(a, V) {
  if (!(a instanceof Int32Array)) throw new Refused("the ids must be I32");
  for (const id of a) if (id < 0 || id >= V) throw new Refused(`an id is ${id}; ids run from 0 to ${V - 1}`);
  return a;
}

const OPS = {
  embedding_forward(c, { wte, ids: given }) {
    const [V, E] = wte.shape, emb = c.zeros(...given.shape, E);
    ids(given, V).forEach((id, i) => row(emb, i, E).set(row(wte, id, E)));
    return { emb };
  },
  embedding_backward(c, { demb, ids: given, V }) {
    const E = demb.shape[2], sums = new Float64Array(V * E);
    ids(given, V).forEach((id, i) => { for (let e = 0; e < E; e++) sums[id * E + e] += demb[i * E + e]; });
    return { dwte: c.rounded(sums, V, E) };
  },
  linear_forward(c, { x, w, b }) {
    const [B, N] = x.shape, M = w.shape[0], y = c.zeros(B, M);
    for (let i = 0; i < B; i++) for (let j = 0; j < M; j++) {
      let sum = 0;
      for (let k = 0; k < N; k++) sum += x[i * N + k] * w[j * N + k];
      y[i * M + j] = b ? sum + b[j] : sum;
    }
    return { y };
  },
  linear_backward(c, { dy, x, w }) {
    const [B, N] = x.shape, M = w.shape[0];
    const dx = new Float64Array(B * N), dw = new Float64Array(M * N), db = new Float64Array(M);
    for (let i = 0; i < B; i++) for (let j = 0; j < M; j++) {
      const d = dy[i * M + j];
      db[j] += d;
      for (let k = 0; k < N; k++) {
        dx[i * N + k] += d * w[j * N + k];
        dw[j * N + k] += d * x[i * N + k];
      }
    }
    return { dx: c.rounded(dx, B, N), dw: c.rounded(dw, M, N), db: c.rounded(db, M) };
  },
  tanh_forward: (c, { x }) => ({ y: c.rounded(x.map(Math.tanh), ...x.shape) }),
  tanh_backward: (c, { dy, y }) => ({ dx: c.map(dy, (d, i) => d * (1 - y[i] * y[i])) }),
  batch_norm_forward(c, { x, weight, bias, running_mean, running_var, training, momentum, eps }) {
    const [B, C] = x.shape, y = c.zeros(B, C);
    const [mean, rstd] = [new Float64Array(C), new Float64Array(C)];
    const [new_mean, new_var] = [Float64Array.from(running_mean), Float64Array.from(running_var)];
    if (training && B < 2) throw new Refused("one row has no variance");
    for (let j = 0; j < C; j++) {
      let sum = 0, squares = 0;
      for (let i = 0; i < B; i++) sum += x[i * C + j];
      for (let i = 0; i < B; i++) squares += (x[i * C + j] - sum / B) ** 2;
      mean[j] = training ? sum / B : running_mean[j];
      rstd[j] = 1 / Math.sqrt((training ? squares / B : running_var[j]) + eps);
      if (training) {
        new_mean[j] = (1 - momentum) * running_mean[j] + momentum * mean[j];
        new_var[j] = (1 - momentum) * running_var[j] + momentum * (squares / (B - 1));
      }
      for (let i = 0; i < B; i++) y[i * C + j] = (x[i * C + j] - mean[j]) * rstd[j] * weight[j] + bias[j];
    }
    const [new_running_mean, new_running_var] = [c.rounded(new_mean, C), c.rounded(new_var, C)];
    return { y, mean: c.rounded(mean, C), rstd: c.rounded(rstd, C), new_running_mean, new_running_var };
  },
  batch_norm_backward(c, { dy, x, mean, rstd, weight }) {
    const [B, C] = x.shape, dx = c.zeros(B, C), dweight = new Float64Array(C), dbias = new Float64Array(C);
    for (let j = 0; j < C; j++) {
      const xhat = (i) => (x[i * C + j] - mean[j]) * rstd[j];
      for (let i = 0; i < B; i++) { dbias[j] += dy[i * C + j]; dweight[j] += dy[i * C + j] * xhat(i); }
      for (let i = 0; i < B; i++) {
        dx[i * C + j] = weight[j] * rstd[j] * (dy[i * C + j] - dbias[j] / B - (xhat(i) * dweight[j]) / B);
      }
    }
    return { dx, dweight: c.rounded(dweight, C), dbias: c.rounded(dbias, C) };
  },
  cross_entropy_forward(c, { logits, targets }) {
    const [B, V] = logits.shape, probs = c.zeros(B, V), loss = c.zeros();
    let sum = 0;
    ids(targets, V).forEach((target, i) => {
      const z = row(logits, i, V), largest = z.reduce((a, b) => Math.max(a, b), -Infinity);
      let total = 0;
      for (const value of z) total += Math.exp(value - largest);
      row(probs, i, V).set(Array.from(z, (value) => Math.exp(value - largest) / total));
      sum += Math.log(total) - (z[target] - largest);
    });
    loss[0] = sum / B;
    return { loss, probs };
  },
  cross_entropy_backward(c, { probs, targets }) {
    const [B, V] = probs.shape;
    ids(targets, V);
    return { dlogits: c.map(probs, (p, i) => (p - (targets[Math.floor(i / V)] === i % V)) / B) };
  },
  sgd_step: (c, { p, g, lr, weight_decay }) => ({ p: c.map(p, (x, i) => x - lr * (g[i] + weight_decay * x)) }),
  adamw_step(c, { p, m, v, g, t, lr, beta1, beta2, eps, weight_decay }) {
    const m2 = c.map(m, (x, i) => beta1 * x + (1 - beta1) * g[i]);
    const v2 = c.map(v, (x, i) => beta2 * x + (1 - beta2) * g[i] * g[i]);
    const [scale1, scale2] = [1 - beta1 ** t, 1 - beta2 ** t];
    const moved = (x, i) => x - lr * weight_decay * x - (lr * (m2[i] / scale1)) / (Math.sqrt(v2[i] / scale2) + eps);
    return { p: c.map(p, moved), m: m2, v: v2 };
  },
};

// ---------------------------------------------------------------- the model
const reshaped = (a, ...shape) => Object.assign(a.subarray(0), { shape });

function forward(c, w, inputs) {
  const emb = OPS.embedding_forward(c, { wte: w.wte, ids: inputs }).emb, [B, T, E] = emb.shape;
  const flat = reshaped(emb, B, T * E);
  const h_pre = OPS.linear_forward(c, { x: flat, w: w["fc1.weight"], b: w["fc1.bias"] }).y;
  const h = OPS.tanh_forward(c, { x: h_pre }).y;
  return { emb, flat, h_pre, h, logits: OPS.linear_forward(c, { x: h, w: w["fc2.weight"], b: w["fc2.bias"] }).y };
}

function mlp(c, { inputs, targets, ...w }) {
  const V = w.wte.shape[0], { flat, ...s } = forward(c, w, inputs);
  if (!targets) return { logits: s.logits };
  const { loss, probs } = OPS.cross_entropy_forward(c, { logits: s.logits, targets });
  const { dlogits } = OPS.cross_entropy_backward(c, { probs, targets });
  const top = OPS.linear_backward(c, { dy: dlogits, x: s.h, w: w["fc2.weight"] });
  const dh_pre = OPS.tanh_backward(c, { dy: top.dx, y: s.h }).dx;
  const low = OPS.linear_backward(c, { dy: dh_pre, x: flat, w: w["fc1.weight"] });
  const demb = reshaped(low.dx, ...s.emb.shape);
  const { dwte } = OPS.embedding_backward(c, { demb, ids: inputs, V });
  const gradients = { dwte, "dfc1.weight": low.dw, "dfc1.bias": low.db, "dfc2.weight": top.dw, "dfc2.bias": top.db };
  return { ...s, loss, probs, dlogits, dh: top.dx, dh_pre, demb, ...gradients };
}

// One step of AdamW on the weights and moments in `state`, which it changes; returns the loss before it.
function step(c, state, { inputs, targets }, settings) {
  const found = mlp(c, { ...Object.fromEntries(WEIGHTS.map((name) => [name, state[name]])), inputs, targets });
  for (const name of WEIGHTS) {
    const [p, m, v] = [state[name], state[`m.${name}`], state[`v.${name}`]];
    const after = OPS.adamw_step(c, { p, m, v, g: found[`d${name}`], ...settings });
    Object.assign(state, { [name]: after.p, [`m.${name}`]: after.m, [`v.${name}`]: after.v });
  }
  return found.loss[0];
}

function training(c, { inputs, targets, lr, beta1, beta2, eps, weight_decay, ...state }) {
  const [S, B, T] = inputs.shape, losses = c.zeros(S);
  for (const name of WEIGHTS) for (const k of "mv") state[`${k}.${name}`] = c.zeros(...state[name].shape);
  for (let s = 0; s < S; s++) {
    const batch = { inputs: reshaped(row(inputs, s, B * T), B, T), targets: reshaped(row(targets, s, B), B) };
    losses[s] = step(c, state, batch, { t: s + 1, lr: lr[s], beta1, beta2, eps, weight_decay });
  }
  return { losses, ...state };
}

function sampling(c, { context, seed, count, temperature, top_k, ...w }) {
  const T = context.length, tokens = Object.assign(new Int32Array(count), { shape: [count] });
  let state = BigInt(seed), window = Array.from(context);
  for (let i = 0; i < count; i++) {
    const { logits } = forward(c, w, Object.assign(Int32Array.from(window), { shape: [1, T] }));
    state ^= state >> 12n; state = (state ^ (state << 25n)) & 0xffffffffffffffffn; state ^= state >> 27n;
    const u32 = Number(((state * 0x2545f4914f6cdd1dn) & 0xffffffffffffffffn) >> 32n), uniform = (u32 >>> 8) / 2 ** 24;
    const order = [...logits.keys()].sort((a, b) => logits[b] - logits[a]), largest = logits[order[0]];
    const kept = new Set(top_k > 0 ? order.slice(0, top_k) : order);
    const exps = Array.from(logits, (z, j) => (kept.has(j) ? Math.exp((z - largest) / temperature) : 0));
    const total = exps.reduce((a, b) => a + b, 0);
    let sum = 0, token = exps.findIndex((x) => (sum += x) / total > uniform);
    if (temperature === 0 || token < 0) token = order[0];
    tokens[i] = token;
    window = [...window.slice(1), token];
  }
  return { tokens };
}

function checkpoint(c, { load, save, inputs, targets, lr, beta1, beta2, eps, weight_decay }) {
  const { metadata, arrays: state } = read(load), t = Number(metadata.t) + 1, loss = c.zeros();
  loss[0] = step(c, state, { inputs, targets }, { t, lr, beta1, beta2, eps, weight_decay });
  Object.assign(metadata, { step: String(Number(metadata.step) + 1), t: String(t) });
  const hashed = (hash, names) => names.sort().reduce((h, name) => h.update(bytesOf(state[name])), hash).digest("hex");
  metadata.parameters_sha256 = hashed(createHash("sha256"), [...WEIGHTS]);
  const rest = createHash("sha256");
  for (const key of Object.keys(metadata).filter((k) => k !== "sha256").sort()) rest.update(`${key}\0${metadata[key]}\0`);
  metadata.sha256 = hashed(rest, WEIGHTS.flatMap((name) => [`m.${name}`, `v.${name}`]));
  write(save, metadata, state);
  return { loss };
}

const FUNCTIONS = { ...OPS, mlp, training, sampling, checkpoint };

// ---------------------------------------------------------------- requests
const TEXTS = ["seed", "load", "save"];

function answer(request, response) {
  const { metadata, arrays } = read(request), { format, function: name, dtype, nonce, ...rest } = metadata;
  if (format !== "nnz-request-1" || !Object.hasOwn(FUNCTIONS, name)) throw new Refused(`${format} ${name} is not known`);
  const Type = dtype === "float64" ? Float64Array : Float32Array;
  const c = {
    zeros: (...shape) => Object.assign(new Type(sizeOf(shape)), { shape }),
    rounded: (a, ...shape) => Object.assign(Type.from(a), { shape }),
    map: (a, f) => Object.assign(Type.from(a, f), { shape: a.shape }),
  };
  for (const [key, text] of Object.entries(rest)) rest[key] = TEXTS.includes(key) ? text : Number(text);
  const outputs = FUNCTIONS[name](c, { ...arrays, ...rest });
  write(response, { format: "nnz-response-1", function: name, dtype, nonce }, outputs);
}

function exitCode(...paths) {
  try {
    answer(...paths);
    return 0;
  } catch (error) {
    console.error(error.message.split("\n")[0]);
    return error instanceof Refused ? 2 : 1;
  }
}

const [, , , first, second] = process.argv;
if (first === "--list") {
  console.log(["nnz-conformance-1", "serve", ...Object.keys(FUNCTIONS).map((name) => `${name} float32 float64`)].join("\n"));
} else if (first === "--serve") {
  for await (const folder of createInterface({ input: process.stdin })) {
    console.log(exitCode(join(folder, "request.safetensors"), join(folder, "response.safetensors")));
  }
} else {
  process.exitCode = exitCode(first, second);
}
