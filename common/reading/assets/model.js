// The MLP in plain JavaScript, forward and backward: the same operations, in the same order, as mlp_numpy/mlp.py.
// A tensor is { shape, data }: numbers row by row.
const nnz = (() => {
  const tensor = (shape) => ({ shape, data: new Float64Array(shape.reduce((n, size) => n * size, 1)) });

  // emb[b,t] = wte[ids[b,t]]
  function embeddingForward(wte, ids) {
    const B = ids.length, T = ids[0].length, E = wte.shape[1], emb = tensor([B, T, E]);
    ids.flat().forEach((id, i) => { for (let e = 0; e < E; e++) emb.data[i * E + e] = wte.data[id * E + e]; });
    return emb;
  }

  // dwte[v] = sum of demb[b,t] where ids[b,t] = v
  function embeddingBackward(demb, ids, V) {
    const E = demb.shape[2], dwte = tensor([V, E]);
    ids.flat().forEach((id, i) => { for (let e = 0; e < E; e++) dwte.data[id * E + e] += demb.data[i * E + e]; });
    return dwte;
  }

  // y = x w^T + b; without b where there is none
  function linearForward(x, w, b) {
    const [M, N] = w.shape, B = x.data.length / N, y = tensor([B, M]);
    for (let i = 0; i < B; i++) {
      for (let j = 0; j < M; j++) {
        let sum = b ? b.data[j] : 0;
        for (let k = 0; k < N; k++) sum += x.data[i * N + k] * w.data[j * N + k];
        y.data[i * M + j] = sum;
      }
    }
    return y;
  }

  // dx = dy w, dw = dy^T x, db = sum of dy over B
  function linearBackward(dy, x, w) {
    const [M, N] = w.shape, B = dy.shape[0], dx = tensor(x.shape), dw = tensor([M, N]), db = tensor([M]);
    for (let i = 0; i < B; i++) {
      for (let j = 0; j < M; j++) {
        const d = dy.data[i * M + j];
        for (let k = 0; k < N; k++) {
          dx.data[i * N + k] += d * w.data[j * N + k];
          dw.data[j * N + k] += d * x.data[i * N + k];
        }
        db.data[j] += d;
      }
    }
    return [dx, dw, db];
  }

  const map = (a, f) => ({ shape: a.shape, data: a.data.map(f) });
  const tanhForward = (x) => map(x, Math.tanh);
  const tanhBackward = (dy, y) => map(dy, (d, i) => d * (1 - y.data[i] * y.data[i]));  // dx = dy (1 - y^2)

  // probs = softmax(logits), loss = mean over B of -log probs[b,targets[b]]
  function crossEntropyForward(logits, targets) {
    const [B, V] = logits.shape, probs = tensor([B, V]);
    let loss = 0;
    for (let i = 0; i < B; i++) {
      const row = logits.data.slice(i * V, i * V + V), largest = Math.max(...row);
      const exps = row.map((logit) => Math.exp(logit - largest)), sum = exps.reduce((a, b) => a + b, 0);
      exps.forEach((e, j) => { probs.data[i * V + j] = e / sum; });
      loss += Math.log(sum) - (row[targets[i]] - largest);
    }
    return [loss / B, probs];
  }

  // dlogits = (probs - onehot(targets)) / B
  const crossEntropyBackward = (probs, targets) =>
    map(probs, (p, i) => (p - (i % probs.shape[1] === targets[Math.floor(i / probs.shape[1])])) / targets.length);

  // Every tensor between the weights p and their gradients, by the names that it has everywhere.
  function run(p, ids, targets) {
    const emb = embeddingForward(p["wte"], ids);
    const h_pre = linearForward(emb, p["fc1.weight"], p["fc1.bias"]);  // emb (B,T,E) is read as (B,T*E)
    const h = tanhForward(h_pre);
    const logits = linearForward(h, p["fc2.weight"], p["fc2.bias"]);
    const [loss, probs] = crossEntropyForward(logits, targets);

    const dlogits = crossEntropyBackward(probs, targets);
    const [dh, dfc2, dfc2_bias] = linearBackward(dlogits, h, p["fc2.weight"]);
    const dh_pre = tanhBackward(dh, h);
    const [demb, dfc1, dfc1_bias] = linearBackward(dh_pre, emb, p["fc1.weight"]);
    const dwte = embeddingBackward(demb, ids, p["wte"].shape[0]);
    const gradients = {
      "dwte": dwte, "dfc1.weight": dfc1, "dfc1.bias": dfc1_bias, "dfc2.weight": dfc2, "dfc2.bias": dfc2_bias,
    };
    return { emb, h_pre, h, logits, probs, loss: { shape: [], data: [loss] }, dlogits, dh, dh_pre, demb, ...gradients };
  }

  // p = p - lr g, for every weight; the old ones stay as they are.
  const stepped = (p, tensors, lr) => Object.fromEntries(
    Object.entries(p).map(([name, a]) => [name, map(a, (x, i) => x - lr * tensors[`d${name}`].data[i])]));

  return { run, stepped, tensor, embeddingForward, linearForward };
})();
