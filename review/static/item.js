// One item: drafts that survive Back and a closed tab, what an outcome needs, the next pictures.
"use strict";
(() => {
  const item = document.getElementById("item");
  const live = document.getElementById("live");
  if (!item) return;
  const say = (text) => { live.textContent = text; };
  const forms = [...document.querySelectorAll("form[data-draft]")];

  // Drafts: one a user, item and form; gone once what was typed has been taken in.
  const DAYS_KEPT = 7;
  const name = (number, form) => `chasil-draft/${item.dataset.user}/${number}/${form}`;
  const drafts = {
    read(key) { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } },
    write(key, value) { try { localStorage.setItem(key, JSON.stringify(value)); } catch { say("…"); } },
    drop(key) { try { localStorage.removeItem(key); } catch { /* none was kept */ } },
  };
  const fieldsOf = (form) => [...form.elements].filter((one) => one.name && one.type !== "hidden");

  function save(form) {
    const typed = {};
    for (const one of fieldsOf(form)) {
      if (one.type === "radio" || one.type === "checkbox") {
        if (one.checked) typed[one.name] = one.value;
      } else if (one.value !== "") typed[one.name] = one.value;
    }
    drafts.write(name(item.dataset.item, form.dataset.draft), { at: Date.now(), typed });
  }

  function restore(form) {
    const draft = drafts.read(name(item.dataset.item, form.dataset.draft));
    if (!draft || document.getElementById("problem")) return; // after a refusal the page has it all
    let changed = false;
    for (const one of fieldsOf(form)) {
      const value = draft.typed[one.name] ?? "";
      if (one.type === "radio" || one.type === "checkbox") {
        const wanted = value === one.value;
        changed ||= wanted !== one.checked;
        one.checked = wanted;
      } else {
        changed ||= one.value !== value;
        one.value = value;
      }
    }
    if (changed) say(item.dataset.restored);
  }

  function tidy() {
    for (const form of ["answer", "decide"]) {
      const takenIn = !item.dataset.held && !forms.some((one) => one.dataset.draft === form);
      if (takenIn) drafts.drop(name(item.dataset.item, form));
      if (item.dataset.last) drafts.drop(name(item.dataset.last, form));
    }
    const oldest = Date.now() - DAYS_KEPT * 86400e3;
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith("chasil-draft/") && !(drafts.read(key)?.at > oldest)) drafts.drop(key);
    }
  }
  try { tidy(); } catch { /* the browser keeps nothing */ }

  // A number or a reason why there is none, not both.
  const answer = document.getElementById("answer");
  answer?.addEventListener("input", (event) => {
    const number = answer.elements.paper;
    if (event.target === number && number.value) {
      for (const one of answer.elements.says) one.checked = false;
    }
  });
  answer?.addEventListener("change", (event) => {
    if (event.target.name === "says") answer.elements.paper.value = "";
  });
  answer?.addEventListener("submit", (event) => {
    if (!answer.elements.paper.value.trim() && !answer.elements.says.value) {
      event.preventDefault();
      say(item.dataset.type);
      answer.elements.paper.focus();
    }
  });

  // The parts an outcome needs are shown, the others are put away.
  const decide = document.getElementById("decide");
  function showNeeds(focus) {
    const chosen = decide.querySelector("[name=outcome]:checked");
    const needs = chosen ? chosen.dataset.needs.split(" ").filter(Boolean) : [];
    for (const part of decide.querySelectorAll("[data-part]")) {
      const needed = needs.includes(part.dataset.part);
      part.hidden = part.dataset.part !== "reason" && !needed;
      for (const one of part.querySelectorAll("[data-if-needed]")) one.hidden = !needed;
      for (const one of part.querySelectorAll("[data-if-not-needed]")) one.hidden = needed;
    }
    if (!focus) return;
    const first = ["reference", "reason"].find((one) => needs.includes(one));
    const field = first && document.getElementById(first);
    const number = document.getElementById("number");
    if (field && !field.value) field.focus();
    else if (needs[0] === "number" && number && !number.value && !decide.elements.empty.checked) number.focus();
  }
  decide?.addEventListener("change", (event) => {
    if (event.target.name === "outcome") showNeeds(true);
    if (event.target.name === "empty" && event.target.checked) decide.elements.paper.value = "";
  });
  decide?.addEventListener("input", (event) => {
    if (event.target.name === "paper" && event.target.value) decide.elements.empty.checked = false;
  });
  decide?.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey || !event.target.matches("input")) return;
    event.preventDefault();
    say(item.dataset.enter);
  });
  decide?.addEventListener("submit", (event) => {
    if (!decide.querySelector("[name=outcome]:checked")) {
      event.preventDefault();
      say(item.dataset.choose);
      decide.querySelector("[name=outcome]").focus();
    }
  });

  for (const form of forms) {
    restore(form);
    form.addEventListener("input", () => save(form));
    form.addEventListener("change", () => save(form));
  }
  if (decide) showNeeds(false);

  // Sent once; after a while of silence it may be sent again: the server takes the same form once.
  const AGAIN_MS = 15000;
  for (const form of document.querySelectorAll("form[method=post]")) {
    form.addEventListener("submit", (event) => {
      if (event.defaultPrevented) return;
      if (form.dataset.sent) return event.preventDefault();
      form.dataset.sent = "yes";
      say(item.dataset.sending);
      setTimeout(() => delete form.dataset.sent, AGAIN_MS);
    });
  }
  addEventListener("pageshow", () => { for (const form of document.forms) delete form.dataset.sent; });

  // While somebody works here the item stays theirs; if it was lost, they hear so at once.
  if (item.dataset.keep) {
    const lost = document.getElementById("lost");
    const { keep, keepSeconds, csrf, version } = item.dataset;
    let busy = false;
    for (const name of ["input", "keydown", "pointermove", "wheel", "scroll"]) {
      addEventListener(name, () => { busy = true; }, { passive: true, capture: true });
    }
    const timer = setInterval(async () => {
      if (!busy) return;
      busy = false;
      const body = new URLSearchParams({ csrf, version });
      const answer = await fetch(keep, { method: "POST", body }).catch(() => null);
      if (!answer) { busy = true; return; } // no network: asked again next time
      if (answer.ok && !answer.redirected) {
        lost.hidden = true;
        item.dataset.keptAt = Date.now();
        return;
      }
      for (const form of forms) save(form);
      const told = await answer.json().catch(() => null);
      const lines = told?.what ? [told.what, told.do] : [item.dataset.signedOut];
      lost.replaceChildren(...[...lines, lost.dataset.kept].map((text) => {
        const line = document.createElement("p");
        line.textContent = text;
        return line;
      }));
      lost.className = "problem";
      lost.hidden = false;
      if (answer.status !== 409) clearInterval(timer);
    }, keepSeconds * 1000);
  }

  item.dataset.ready = "yes";

  // The next item's pictures come while this one is looked at.
  if (item.dataset.next) {
    addEventListener("load", async () => {
      const found = await fetch(item.dataset.next, { headers: { accept: "application/json" } }).catch(() => null);
      if (!found?.ok) return; // the next page asks for them itself
      const { pictures } = await found.json();
      for (const address of pictures) new Image().src = address;
      item.dataset.fetched = pictures.length;
    });
  }
})();
