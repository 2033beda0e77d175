"use strict";
/* What every page needs and HTML alone cannot do: say when a request failed, show a slider's value as it moves. */
(() => {
  const status = () => document.getElementById("request-status");
  const say = (key) => { const line = status(); if (line) line.textContent = line.dataset[key] || ""; };
  const quiet = () => { const line = status(); if (line && line.textContent) line.textContent = ""; };

  document.addEventListener("htmx:responseError", () => say("failed"));
  document.addEventListener("htmx:sendError", () => say("offline"));
  document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) quiet(); });

  document.addEventListener("input", (event) => {
    const input = event.target;
    if (!(input instanceof HTMLInputElement) || input.type !== "range") return;
    const output = document.querySelector(`output[for="${CSS.escape(input.id)}"]`);
    if (output) output.textContent = Number(input.value).toLocaleString(document.documentElement.lang);
  });
})();
