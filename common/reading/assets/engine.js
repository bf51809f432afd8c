// The C of build/mlp, as WebAssembly: one run in memory. Takes the bytes of nnz.wasm; mlp_c/web/web.c says what each function does.
// It is sent to a worker as text, so it names nothing outside itself.
async function nnzEngine(wasm) {
  const decoder = new TextDecoder(), printing = new TextDecoder(), encoder = new TextEncoder(), NO_FILE = 8;  // as WASI has it
  let memory, printed = "";

  // What the program asks of the system: to print, and to end. It has no files but those in its memory.
  const system = {
    fd_write(handle, parts, count, written) {
      const view = new DataView(memory.buffer);
      let all = 0;
      for (let i = 0; i < count; i++) {
        const at = view.getUint32(parts + 8 * i, true), n = view.getUint32(parts + 8 * i + 4, true);
        printed += handle === 2 ? printing.decode(new Uint8Array(memory.buffer, at, n), { stream: true }) : "";
        all += n;
      }
      view.setUint32(written, all, true);
      return 0;
    },
    proc_exit() { throw new Error(notes().replace(/^(.*\n)*mlp: /, "").trim()); },
  };
  const wasi = new Proxy({}, { get: (_, name) => system[name] ?? (() => NO_FILE) });
  const { instance } = await WebAssembly.instantiate(wasm, { wasi_snapshot_preview1: wasi });
  const c = instance.exports;
  memory = c.memory;
  c._initialize();

  // What it has printed on stderr since the last call: notes, or why it ends.
  function notes() {
    const text = printed;
    printed = "";
    return text;
  }

  function put(bytes) {
    const at = c.web_reserve(bytes.length + 1);
    new Uint8Array(memory.buffer, at, bytes.length).set(bytes);
    return at;
  }
  const putText = (text) => put(encoder.encode(`${text}\0`));
  function text(at, release = true) {
    const bytes = new Uint8Array(memory.buffer, at);
    const found = decoder.decode(bytes.subarray(0, bytes.indexOf(0)));
    if (release) c.web_release(at);
    return found;
  }
  function named(name, call) {
    const at = putText(name), result = call(at);
    c.web_release(at);
    return result;
  }

  const about = () => JSON.parse(text(c.web_about()));
  let kept;  // what does not change in a run
  const numbers = (at, n) => Float64Array.from(new (kept.size === 8 ? Float64Array : Float32Array)(memory.buffer, at, n));
  const began = () => (kept = about());

  return {
    about, notes,
    putFile: (name, content) => {
      const bytes = typeof content === "string" ? encoder.encode(content) : content;
      named(name, (at) => c.web_put_file(at, put(bytes), bytes.length));
    },
    begin(words) {
      const at = putText(["mlp", ...words].join("\0"));  // stays: the settings point into it
      c.web_begin(at, words.length + 1);
      return began();
    },
    resume(name, more) {
      named(name, (at) => c.web_resume(at, more));
      return began();
    },
    step: () => c.web_step(),
    valLoss: (batches) => c.web_val_loss(batches),
    setLr: (lr) => c.web_set_lr(lr),
    samples: (count, characters, temperature, seed) => text(c.web_samples(count, characters, temperature, seed)),
    hash: () => text(c.web_hash()),
    checkpoint() {
      c.web_save();
      return named("checkpoint.safetensors", (name) => new Uint8Array(memory.buffer, c.web_file(name), c.web_file_size(name)).slice());
    },
    // The logits of the last position, and what lies between, after these ids.
    look(ids) {
      const at = put(new Uint8Array(Int32Array.from(ids).buffer)), logits = c.web_look(at, ids.length), { V, L } = kept;
      const found = numbers(logits + (L ? (ids.length - 1) * V * kept.size : 0), V);
      c.web_release(at);
      return found;
    },
    // n numbers of a tensor between, from the first on; null if there is none of this name.
    tensor: (name, n) => named(name, (at) => {
      const place = c.web_tensor(at);
      return place ? numbers(place, n) : null;
    }),
    logits: (n) => numbers(kept.logits, n),
    ids: (of, n) => [...new Int32Array(memory.buffer, kept[of], n)],
    // A parameter, or its gradient, by name.
    parameter(name, group = "parameters") {
      let at = kept[group];
      for (const { name: other, shape } of kept.tensors) {
        const n = shape.reduce((a, b) => a * b);
        if (other === name) return { shape, data: numbers(at, n) };
        at += n * kept.size;
      }
      return null;
    },
  };
}
if (typeof module !== "undefined") module.exports = nnzEngine;
