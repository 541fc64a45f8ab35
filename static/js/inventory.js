// The inventory: tick all, count what is ticked, and let a list that refetches itself wait while somebody is at work in it.
(() => {
  const ticks = () => [...document.querySelectorAll("#spool-list [name=spool]")];
  const show = () => {
    const all = ticks(), chosen = all.filter((one) => one.checked).length;
    const text = document.querySelector("[data-ticked]"), every = document.querySelector("[data-tick-all]");
    if (!text) return;
    const found = document.querySelector("[data-tick-found]:checked");
    text.textContent = found ? found.nextElementSibling.textContent : chosen ? `${chosen} ticked` : `All ${all.length} shown`;
    every.checked = chosen > 0 && chosen === all.length;
    every.indeterminate = chosen > 0 && chosen < all.length;
  };
  document.addEventListener("change", ({ target }) => {
    if (target.matches("[data-tick-all], [data-tick-found]")) for (const one of ticks()) one.checked = target.checked;
    // Who unticks a row does not mean all of them any more.
    const found = document.querySelector("[data-tick-found]");
    if (found && target !== found && !target.checked && target.matches("[data-tick-all], [name=spool]")) found.checked = false;
    if (target.matches("[data-tick-all], [data-tick-found], [name=spool]")) show();
  });
  document.body.addEventListener("htmx:afterSettle", show);
  // At work is also who has just pressed something in it: the answer would find its row no more.
  const wait = (event) => {
    const list = event.detail.requestConfig?.elt ?? event.target;
    if (list.id !== "spool-list" || !list.querySelector("[data-hold], [name=spool]:checked, .htmx-request")) return;
    event.preventDefault();
    list.querySelector("[data-stale]").hidden = false;
  };
  // Before it asks; and before it shows the answer, for what was ticked meanwhile.
  document.body.addEventListener("htmx:beforeRequest", wait);
  document.body.addEventListener("htmx:beforeSwap", wait);
})();
