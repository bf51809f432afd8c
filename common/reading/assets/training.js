// Workers that hold the engine. Their program is sent as text and the WebAssembly with it, so that a page from a file can have one too.
const training = (() => {
  const base64 = document.getElementById("wasm").textContent.trim();
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const program = URL.createObjectURL(new Blob([`${nnzEngine}\n${nnzTrainer}\nnnzTrainer();`], { type: "text/javascript" }));

  function start() {
    const worker = new Worker(program);
    worker.postMessage({ do: "wasm", bytes });
    return {
      send: (what, values = {}) => worker.postMessage({ do: what, ...values }),
      listen: (heard) => worker.addEventListener("message", ({ data }) => heard(data)),
      end: () => worker.terminate(),
    };
  }
  return { start };
})();
