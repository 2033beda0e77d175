// The coach's panel over its socket. Without this file every form of it still posts.
(() => {
  "use strict";

  const NEAR_END_PIXELS = 80;
  const OPEN_AT_LEAST_ONCE_MS = 4000;
  const BACK_AFTER_MS = 300;
  const BACK_WITHIN_MS = 5000;
  let link = null; // the socket's sender, while it is open
  let everOpen = false;
  let signedOut = false;
  let gaveUp = false; // no socket came up: the forms post instead
  let shown = 0;
  let following = true;
  let pending = null; // what was sent and has not become a turn yet
  const cursors = new Map();

  // A restart closes all pages at once: they come back spread over seconds, and over more where that fails.
  if (window.htmx) {
    window.htmx.config.wsReconnectDelay = (failed) =>
      BACK_AFTER_MS + Math.random() * BACK_WITHIN_MS * 2 ** Math.min(failed, 1);
  }

  const byId = (id) => document.getElementById(id);
  const panel = () => byId("coach");
  const say = (id, text) => { const line = byId(id); if (line && line.textContent !== text) line.textContent = text; };
  const send = (command) => { if (link) link.sendImmediately(JSON.stringify(command)); return Boolean(link); };
  const newKey = () => (crypto.randomUUID ? crypto.randomUUID() : "10000000-1000-4000-8000-100000000000".replace(/[018]/g,
    (c) => (Number(c) ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (Number(c) / 4)))).toString(16)));

  function readPage() {
    const coach = panel();
    if (!coach) return;
    coach.querySelectorAll("[data-copy],[data-say],[data-fill]").forEach((button) => { button.hidden = false; });
    coach.querySelectorAll(".coach-turn").forEach((turn) => {
      const id = turn.id.slice("turn-".length);
      cursors.set(id, Math.max(Number(turn.dataset.seq), cursors.get(id) || 0));
    });
    const scroll = byId("coach-scroll");
    if (scroll && !scroll.dataset.watched) {
      scroll.dataset.watched = "yes";
      scroll.addEventListener("scroll", () => {
        following = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_END_PIXELS;
        if (following) byId("coach-latest").hidden = true;
      }, { passive: true });
      scroll.scrollTop = scroll.scrollHeight;
      // A page of its own does not scroll inside: what was said last comes before what was said first.
      const last = coach.querySelector(".coach-turn:last-of-type");
      if ("alone" in coach.dataset && last && !location.hash) last.scrollIntoView({ block: "start" });
    }
  }

  function follow() {
    const scroll = byId("coach-scroll");
    if (!scroll) return;
    if (following) scroll.scrollTop = scroll.scrollHeight;
    else byId("coach-latest").hidden = false;
  }

  function subscribe() {
    const coach = panel();
    let after = 0;
    const known = {};
    coach.querySelectorAll(".coach-turn").forEach((turn) => {
      after = Math.max(after, Number(turn.dataset.number));
      if (turn.dataset.open === "yes") known[turn.id.slice(5)] = cursors.get(turn.id.slice(5)) || Number(turn.dataset.seq);
    });
    send({ do: "subscribe", subject: coach.dataset.subject, after, cursors: known });
  }

  function ask(question) {
    const form = byId("coach-composer");
    pending = {
      do: "ask", subject: form.elements.subject.value, key: form.elements.key.value,
      section: openSection() || form.elements.section.value, question,
    };
    const asked = send(pending);
    if (asked) {
      say("coach-notice", "");
      following = true;
    }
    return asked;
  }

  // The section the reader has before their eyes: the last heading above the middle of the window.
  function openSection() {
    let open = "";
    document.querySelectorAll("main section[id], main h2[id]").forEach((heading) => {
      if (!heading.closest("#coach") && heading.getBoundingClientRect().top < window.innerHeight / 2) open = heading.id;
    });
    return /^[-\w]{0,100}$/.test(open) ? open : "";
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const coach = panel();
    if (!coach || !coach.contains(form)) return;
    if (form.id === "coach-composer" && !link) {
      const section = openSection();
      if (section) form.elements.section.value = section;
    }
    if (!("connected" in coach.dataset) || gaveUp) return; // the form posts, by htmx or by itself
    event.preventDefault();
    event.stopPropagation();
    if (!link) {
      if (signedOut) return;
      const asks = form.id === "coach-composer" && form.elements.question.value.trim();
      if (asks) ask(form.elements.question.value); // kept, and sent as soon as the connection is back
      say("coach-status", asks ? coach.dataset.later : coach.dataset.lost);
      return;
    }
    if (form.dataset.stop) send({ do: "stop", turn: form.dataset.stop });
    else if (form.dataset.again) send({ do: "again", turn: form.dataset.again, key: newKey() });
    else ask(form.elements.question.value);
  }, true);

  document.addEventListener("keydown", (event) => {
    if (event.target.id === "coach-question" && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("#coach button, .coach-turns button");
    if (!button) return;
    const box = byId("coach-question");
    if (button.id === "coach-latest") {
      following = true;
      button.hidden = true;
      follow();
      byId("coach-scroll").focus({ preventScroll: true });
    } else if (button.dataset.copy) {
      const coach = panel();
      navigator.clipboard.writeText(byId(button.dataset.copy).innerText.trim()).then(() => say("coach-status", coach.dataset.copied), () => {});
    } else if (button.dataset.fill) {
      box.value = button.dataset.fill;
      box.focus();
    } else if (button.dataset.say) {
      // What was being typed is kept, also when this is said twice before it has arrived.
      if (!("typed" in box.dataset)) box.dataset.typed = box.value;
      box.value = button.dataset.say;
      box.form.requestSubmit();
    }
  });

  document.addEventListener("htmx:wsOpen", (event) => {
    const back = everOpen;
    link = event.detail.socketWrapper;
    everOpen = true;
    gaveUp = false;
    shown = 0;
    subscribe();
    if (pending) send(pending); // the same key: if it had arrived, nothing happens
    if (back) say("coach-status", panel().dataset.back);
  });

  document.addEventListener("htmx:wsClose", (event) => {
    link = null;
    const coach = panel();
    if (!coach || !("connected" in coach.dataset)) return;
    signedOut = event.detail.event.code === 4401;
    if (signedOut) {
      say("coach-status", "");
      say("coach-notice", coach.dataset.signedOut);
    } else if (everOpen) say("coach-status", coach.dataset.lost);
  });

  document.addEventListener("htmx:wsConnecting", () => {
    setTimeout(() => { if (!everOpen) gaveUp = true; }, OPEN_AT_LEAST_ONCE_MS);
  });

  document.addEventListener("htmx:wsAfterMessage", () => {
    const cursor = byId("coach-cursor");
    shown += 1;
    if (cursor && cursor.dataset.turn) {
      const { turn, seq } = cursor.dataset;
      cursors.set(turn, Number(seq));
      const article = byId(`turn-${turn}`);
      if (article) {
        article.dataset.seq = seq;
        if (!article.querySelector("[data-stop]")) article.dataset.open = "no";
      }
      if (Number(seq) === 1) begun(turn);
    }
    readPage();
    follow();
    send({ do: "ack", shown });
  });

  // What was asked has become a turn: only now may the text leave the composer.
  function begun(turn) {
    const form = byId("coach-composer");
    document.querySelectorAll(".coach-suggestions").forEach((group) => group.remove());
    const question = document.querySelector(`#turn-${turn} .coach-question`);
    if (!form || !question) return;
    const box = form.elements.question;
    const asked = question.lastChild.textContent.trim();
    const mine = pending && pending.question.trim() === asked;
    if (mine) pending = null;
    const asTyped = box.value.trim() === asked;
    // What was typed meanwhile is another question, and needs a key of its own.
    if (mine || asTyped) form.elements.key.value = newKey();
    if (!asTyped) return;
    box.value = box.dataset.typed || "";
    delete box.dataset.typed;
  }

  document.addEventListener("htmx:afterSettle", readPage);
  readPage();
})();
