"use strict";
/* Clicking two tasks in the drawing ticks or clears the box that says the second waits for the first.
   Everything here can be done with the boxes alone. The drawing follows the boxes by itself where there are
   scripts; the button that draws it again is for those who have none. */
(() => {
  let first = null;
  let said = "";

  const drawing = () => document.getElementById("plan-drawing");
  const box = (after, before) => document.getElementById(`waits-${after}-${before}`);
  const label = (name) => document.querySelector(`#plan-task-${CSS.escape(name)} > legend`)?.textContent.trim() || name;

  function say(key, words = {}) {
    const line = document.getElementById("plan-said");
    if (!line) return;
    said = (line.dataset[key] || "").replace(/%\((\w+)\)s/g, (_, word) => words[word] || "");
    line.textContent = said;
    const announcement = document.getElementById("exercise-announcement");
    if (announcement) announcement.textContent = said;
  }

  function pick(name) {
    drawing().querySelectorAll("[data-task]").forEach((node) => node.classList.toggle("is-picked", node.dataset.task === name));
    first = name;
  }

  function toggle(before, after) {
    const input = box(after, before);
    if (!input) return;
    input.checked = !input.checked;
    say(input.checked ? "on" : "off", { before: label(before), after: label(after) });
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  document.addEventListener("click", (event) => {
    const node = event.target instanceof Element && event.target.closest("#plan-drawing [data-task]");
    if (!node) return;
    const name = node.dataset.task;
    if (first === null) { pick(name); say("first", { task: label(name) }); return; }
    const before = first;
    pick(null);
    if (before === name) say("none"); else toggle(before, name);
  });

  function show() {
    first = null;
    const hint = document.getElementById("plan-hint");
    if (hint) hint.hidden = false;
    const redraw = document.getElementById("plan-redraw");
    if (redraw) redraw.hidden = document.getElementById("exercise-form").hasAttribute("hx-post");
    const line = document.getElementById("plan-said");
    if (line) line.textContent = said;
  }
  document.addEventListener("htmx:afterSettle", (event) => { if (event.target.querySelector?.("#plan-hint")) show(); });
  show();
})();
