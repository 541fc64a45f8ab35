// Toasts (templates/base.html). Good news leaves by itself; what needs acting on stays until it is dismissed.
(() => {
  const stay = { ok: 5000, quiet: 6000, busy: 6000, warn: 12000 };
  const icons = { ok: "circle-check", warn: "triangle-alert", bad: "octagon-alert" };
  const said = {
    0: "No answer from the server. Check the connection, then try again.",
    401: "You are signed out. Load the page again to sign in.",
    404: "That is no longer there. Load the page again.",
  };
  const region = () => document.getElementById("toasts");

  function say(text, tone = "ok") {
    const toast = document.getElementById("toast").content.firstElementChild.cloneNode(true);
    const use = toast.querySelector("use");
    toast.className = `toast tone-${tone}`;
    toast.dataset.toast = tone;
    toast.querySelector("p").textContent = text;
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${icons[tone] || "info"}`));
    region().append(toast);
  }

  function settle(toast) {
    const wait = stay[toast.dataset.toast];
    if (!wait) return;
    const leave = () => (toast.matches(":hover, :focus-within") ? setTimeout(leave, 2000) : toast.remove());
    setTimeout(leave, wait);
  }

  function sentenceOf(xhr) {
    const page = new DOMParser().parseFromString(xhr.responseText || "", "text/html");
    const sentence = page.querySelector("[data-error-sentence]")?.textContent.trim();
    const reference = page.querySelector("[data-error-reference]")?.textContent.trim();
    const text = sentence || said[xhr.status] || `The server could not do that (error ${xhr.status}). Try again.`;
    return reference ? `${text} (Reference ${reference})` : text;
  }

  // A 4xx or 5xx answer that is a fragment (no <html>) is meant to be swapped, for instance the present list with a 409.
  function isFragment(xhr) {
    const text = (xhr.responseText || "").trimStart().slice(0, 200).toLowerCase();
    return text.startsWith("<") && !text.startsWith("<!doctype") && !text.startsWith("<html");
  }

  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    if (xhr.status >= 400 && xhr.status !== 422 && isFragment(xhr)) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    } else if (xhr.status === 422 && !isFragment(xhr)) {
      event.detail.shouldSwap = false;
      say(sentenceOf(xhr), "bad");
    }
  });
  document.body.addEventListener("htmx:responseError", (event) => say(sentenceOf(event.detail.xhr), "bad"));
  // A list that refetches by itself does not complain: the mark of the lost connection says it once.
  const byItself = ({ verb, triggeringEvent }) => verb === "get" && /^(undefined$|load$|changed:|live:)/.test(triggeringEvent?.type);
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.body.addEventListener(name, (event) => byItself(event.detail.requestConfig) || say(said[0], "bad"));
  }
  document.body.addEventListener("toast", (event) => say(event.detail.text || event.detail.value, event.detail.tone));
  document.addEventListener("click", (event) => event.target.closest("[data-dismiss]")?.closest("[data-toast]").remove());

  region().querySelectorAll("[data-toast]").forEach(settle);
  new MutationObserver((changes) => {
    for (const change of changes) for (const node of change.addedNodes) if (node.dataset?.toast) settle(node);
  }).observe(region(), { childList: true });
})();
