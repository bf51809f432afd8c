// The forward of the GPT in plain JavaScript, for one sequence: the same operations, in the same order, as gpt_numpy/gpt.py.
const gpt = (() => {
  const { tensor, embeddingForward, linearForward } = nnz, EPS = 1e-5;
  const add = (a, b) => ({ shape: a.shape, data: a.data.map((x, i) => x + b.data[i]) });
  const reluForward = (x) => ({ shape: x.shape, data: x.data.map((value) => Math.max(value, 0)) });
  const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

  // y = (x - mean) rstd weight + bias, rstd = 1 / sqrt(var + eps), mean and var over each row
  function layerNormForward(x, weight, bias) {
    const [T, E] = x.shape, y = tensor([T, E]);
    for (let t = 0; t < T; t++) {
      const row = x.data.slice(t * E, t * E + E), mean = sum(row) / E;
      const rstd = 1 / Math.sqrt(sum(row.map((value) => (value - mean) ** 2)) / E + EPS);
      row.forEach((value, e) => { y.data[t * E + e] = (value - mean) * rstd * weight.data[e] + bias.data[e]; });
    }
    return y;
  }

  // exp(row / temperature), divided by its sum
  function softmax(row, temperature = 1) {
    const largest = Math.max(...row), exps = [...row].map((x) => Math.exp((x - largest) / temperature)), all = sum(exps);
    return exps.map((e) => e / all);
  }

  // probs[t,u] = softmax over u <= t of q[t] . k[u] / sqrt(E/H), y[t] = sum of probs[t,u] v[u], in each head
  function attentionForward(qkv, H) {
    const T = qkv.shape[0], E = qkv.shape[1] / 3, size = E / H, y = tensor([T, E]), probs = tensor([H, T, T]);
    const at = (t, part, h) => qkv.data.slice((3 * t + part) * E + h * size, (3 * t + part) * E + (h + 1) * size);
    for (let h = 0; h < H; h++) {
      for (let t = 0; t < T; t++) {
        const q = at(t, 0, h), scores = [];
        for (let u = 0; u <= t; u++) scores.push(sum(at(u, 1, h).map((k, i) => k * q[i])) / Math.sqrt(size));
        softmax(scores).forEach((p, u) => {
          probs.data[(h * T + t) * T + u] = p;
          at(u, 2, h).forEach((v, i) => { y.data[t * E + h * size + i] += p * v; });
        });
      }
    }
    return [y, probs];
  }

  // Every tensor of the forward, by the names that it has everywhere.
  function run(p, ids, { n_layer, n_head }) {
    const flat = ({ shape, data }) => ({ shape: shape.slice(1), data });
    const tokens = flat(embeddingForward(p["wte.weight"], [ids]));
    let x = add(tokens, flat(embeddingForward(p["wpe.weight"], [ids.map((_, t) => t)])));  // (T, E)
    const tensors = {};
    for (let layer = 0; layer < n_layer; layer++) {
      const of = `blocks.${layer}.`, linear = (a, name) => linearForward(a, p[`${of}${name}.weight`], p[`${of}${name}.bias`]);
      const h1 = layerNormForward(x, p[`${of}norm1.weight`], p[`${of}norm1.bias`]);
      const qkv = linear(h1, "attention.qkv");  // (T, 3*E)
      const [y, probs] = attentionForward(qkv, n_head);
      const x_mid = add(x, linear(y, "attention.proj"));
      const h2 = layerNormForward(x_mid, p[`${of}norm2.weight`], p[`${of}norm2.bias`]);
      const a_pre = linear(h2, "mlp.fc1"), a = reluForward(a_pre);  // (T, 4*E)
      Object.entries({ x, h1, qkv, probs, y, x_mid, h2, a_pre, a }).forEach(([name, value]) => { tensors[of + name] = value; });
      x = add(x_mid, linear(a, "mlp.fc2"));
    }
    const h = layerNormForward(x, p["norm.weight"], p["norm.bias"]);
    return { ...tensors, x, h, logits: linearForward(h, p["head.weight"], p["head.bias"]) };  // (T, V)
  }

  return { run, softmax };
})();
