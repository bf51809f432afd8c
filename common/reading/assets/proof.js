// The proof: 200 steps of strict float32 in a worker of their own, and the SHA-256 of the parameters next to those of C, numpy and torch.
(() => {
  const { proof, texts } = JSON.parse(document.getElementById("data").textContent);
  document.querySelectorAll("[data-proof]").forEach((claim) => {
    const { words, steps, sha256 } = proof[claim.dataset.proof], find = (selector) => claim.querySelector(selector);
    const button = find(".prove"), verdict = find(".verdict");
    const says = (text, style) => { verdict.textContent = text; verdict.className = `verdict ${style}`; };
    button.disabled = false;
    button.addEventListener("click", () => {
      const worker = training.start();
      button.disabled = true;
      find(".here").textContent = "…";
      worker.listen(({ event, done, hash, message }) => {
        if (event === "proving") says(`step ${done} of ${steps}`, "");
        if (event !== "proved" && event !== "failed") return;
        const equal = hash !== undefined && Object.values(sha256).every((other) => other === hash);
        find(".here").textContent = hash ?? "–";
        says(message ?? (equal ? "Equal, in every bit." : "Not equal: this browser computes something else."), equal ? "equal" : "other");
        button.disabled = false;
        worker.end();
      });
      worker.send("prove", { files: texts.names.files, words, count: steps });
    });
  });
})();
