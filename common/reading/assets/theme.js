// Light, dark, or as the system has it; remembered where the browser lets a page remember.
(() => {
  const choices = ["auto", "light", "dark"], key = "nnz-theme";
  const remembered = () => { try { return localStorage.getItem(key); } catch { return null; } };
  let chosen = choices.includes(remembered()) ? remembered() : "auto";

  const apply = () => { document.documentElement.style.colorScheme = chosen === "auto" ? "light dark" : chosen; };
  apply();  // before anything is drawn

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("button.theme");
    const label = () => { button.textContent = `Theme: ${chosen}`; };
    label();
    button.hidden = false;
    button.addEventListener("click", () => {
      chosen = choices[(choices.indexOf(chosen) + 1) % choices.length];
      try { localStorage.setItem(key, chosen); } catch { /* a page from a file may not */ }
      apply();
      label();
    });
  });
})();
