// Dialogs, questions and menus (templates/base.html).
(() => {
  const question = () => document.getElementById("confirm");
  let asked = null; // what happens when the person says yes
  let passing = null; // the element that was just agreed to

  // The page goes on while somebody reads the question, and a list or card may bring the same button anew: that one counts then.
  const deed = (one) => [one.dataset.confirm, one.getAttribute("action"), one.getAttribute("href"), one.getAttribute("formaction"), one.value].join("|");
  const present = (element) =>
    element.isConnected ? element : [...document.querySelectorAll(element.localName + "[data-confirm]")].find((one) => deed(one) === deed(element));

  function ask(element, go) {
    const dialog = question();
    dialog.querySelector("[data-confirm-text]").textContent = element.dataset.confirm;
    dialog.querySelector("[data-confirm-go] span").textContent = element.dataset.confirmButton || element.innerText.trim() || "Go ahead";
    asked = () => {
      passing = present(element);
      if (passing) go(passing);
      else document.body.dispatchEvent(new CustomEvent("toast", { detail: { text: "That has changed meanwhile. Nothing was done.", tone: "warn" } }));
      passing = null;
    };
    dialog.showModal();
  }

  function intercept(event, element, go) {
    if (!element || element === passing) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    ask(element, go);
  }

  // Capturing, so that the question comes before htmx sees the event.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-confirm]")) intercept(event, form, (now) => now.requestSubmit(now === form ? event.submitter : null));
  }, true);
  document.addEventListener("click", (event) => {
    const element = event.target.closest("button[data-confirm], a[data-confirm]");
    intercept(event, element, (now) => now.click());
  }, true);

  document.addEventListener("click", (event) => {
    const { target } = event;
    setTimeout(shutMenus, 0, target, target.closest("a, button")); // later: htmx forgets a button that loses the focus
    const opener = target.closest("[data-dialog]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.dialog);
      if (dialog) {
        event.preventDefault();
        dialog.showModal();
      }
    }
    if (target.closest("[data-confirm-go]")) {
      question().close();
      asked?.();
    }
    if (target.closest("[data-close]") || target.matches("dialog[open]")) target.closest("dialog").close();
  });

  // A menu shuts once something of it is chosen, or one goes elsewhere (not when the list brought it anew).
  // What is hidden cannot hold the focus: its summary does. A dialog gives the focus back to where it was, so what is behind it stays.
  function shutMenus(target, chosen) {
    if (document.querySelector("dialog[open]")) return;
    const within = target?.closest("details.menu");
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (within && !chosen && (menu === within || (menu.id && menu.id === within.id))) continue;
      if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
      menu.open = false;
    }
  }
  document.addEventListener("focusin", ({ target }) => shutMenus(target));
  document.addEventListener("keydown", (event) => event.key === "Escape" && shutMenus(null, true));

  const openAtOnce = (root) => root.querySelectorAll("dialog[data-dialog-open]").forEach((dialog) => dialog.open || dialog.showModal());
  openAtOnce(document);
  document.body.addEventListener("htmx:afterSettle", () => openAtOnce(document));
})();
