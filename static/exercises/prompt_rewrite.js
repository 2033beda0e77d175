"use strict";
/* The estimate under the prompt follows what is typed; the server counts the same way when it grades. */
(() => {
  document.addEventListener("input", (event) => {
    if (event.target.id !== "rewrite-text") return;
    const output = document.getElementById("rewrite-tokens");
    if (!output) return;
    const tokens = Math.ceil([...event.target.value].length / Number(output.dataset.charactersPerToken));
    output.textContent = tokens.toLocaleString(document.documentElement.lang);
  });
})();
