// Registers the service worker (on https and on this machine; elsewhere browsers know none), and says when the server has
// newer pages than this one: it asks after every interruption, for an update interrupts the live socket. The wall, where nobody
// stands to do it, loads itself again.
(() => {
  const worker = "/service-worker.js";
  const { version } = document.currentScript.dataset;
  const body = document.body;
  let said = false;
  if (!version) return;

  async function compare() {
    const answer = await fetch(worker, { method: "HEAD", cache: "no-store" }).catch(() => null);
    const tag = answer?.ok && answer.headers.get("ETag");
    if (said || !tag || tag.includes(version)) return;
    said = true;
    if (body.matches(".wall")) location.reload();
    else body.dispatchEvent(new CustomEvent("toast", { detail: { text: "PrintFarm was updated. Reload this page.", tone: "note" } }));
  }

  navigator.serviceWorker?.register(worker, { updateViaCache: "none" }).catch(() => {});
  body.addEventListener("live:reconnected", compare);
})();
