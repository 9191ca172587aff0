// Keys: an element with data-key="x" is pressed, chosen or focused when x is typed.
// In fields for text nothing is taken; in a field for a number only what is no digit.
"use strict";
(() => {
  const OFF = "chasil-keys-off";
  const help = document.getElementById("help");

  const kept = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
  const keep = (name, value) => { try { localStorage.setItem(name, value); } catch { /* no place to keep it */ } };

  const isShown = (element) => element.getClientRects().length > 0;
  const isText = (element) => element.matches("textarea, select, input:not([type=radio], [type=checkbox])");

  function find(key) {
    const wanted = key === "=" ? "+" : key;
    for (const one of [wanted, wanted.toLowerCase()]) {
      const found = [...document.querySelectorAll(`[data-key="${CSS.escape(one)}"]`)].find(isShown);
      if (found) return found;
    }
    return null;
  }

  function use(element) {
    if (element.matches("input[type=radio]")) {
      element.checked = true;
      element.focus();
      element.dispatchEvent(new Event("change", { bubbles: true }));
    } else if (element.matches("input, textarea")) {
      element.focus();
      element.select();
    } else if (element.matches("button, a")) {
      element.click(); // whoever types a number goes on typing
    } else if (element.matches("summary")) {
      element.focus();
      element.click();
    } else {
      element.focus();
    }
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || !(event.target instanceof Element)) return;
    if (help?.open) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const confirm = document.querySelector("[data-confirm]");
      if (confirm && isShown(confirm)) {
        event.preventDefault();
        if (!event.repeat) confirm.form.requestSubmit(confirm);
      }
      return;
    }
    if (event.key === "Enter" && event.repeat) event.preventDefault(); // held down: not meant
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && isText(event.target)) {
      event.target.blur();
      return;
    }
    if (event.key.length !== 1 || event.key === " ") return;
    const isNumber = event.target.matches("input.number");
    if (isText(event.target) && !(isNumber && !/[0-9]/.test(event.key))) return;
    if (kept(OFF) && event.key !== "?") return;
    const found = find(event.key);
    if (found) {
      event.preventDefault();
      use(found);
    }
  });

  if (help) {
    for (const button of document.querySelectorAll("[data-help]")) {
      button.hidden = false;
      button.addEventListener("click", () => help.showModal());
    }
    help.querySelector("[data-close]").addEventListener("click", () => help.close());
    help.addEventListener("keydown", (event) => { if (event.key === "?") help.close(); });
    const on = help.querySelector("[data-keys-on]");
    on.checked = !kept(OFF);
    on.addEventListener("change", () => keep(OFF, on.checked ? "" : "yes"));
  }
})();
