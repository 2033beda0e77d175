"use strict";
/* What every page needs and HTML alone cannot do: say when a request failed, show a slider's value as it moves,
   step a number by clicks. */
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

  // Buttons that do nothing without a script are shown once there is one.
  document.documentElement.classList.add("has-script");

  function stepped(input, by, beginsAt) {
    const value = (input.value === "" ? beginsAt : Number(input.value)) + by;
    const least = input.min === "" ? -Infinity : Number(input.min);
    const most = input.max === "" ? Infinity : Number(input.max);
    // Sums of tenths and hundredths come out as they are written, not as they are stored.
    return String(Number(Math.min(most, Math.max(least, value)).toFixed(6)));
  }

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("button[data-steps]");
    const input = button && document.getElementById(button.dataset.steps);
    if (!input) return;
    input.value = stepped(input, Number(button.dataset.by), Number(button.dataset.beginsAt));
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
})();
