// One WebSocket for everything that moves.
// The server sends either HTML whose elements carry hx-swap-oob (single cards and rows), or one line of JSON:
//   {"type": "changed", "topics": ["queue", …]}   -> event "changed:queue" on <body>; lists refetch with their own filter and page
//   {"type": "refetch"}, or the topic "everything" -> "live:reconnected": the server itself may have missed something
// Redis does not replay: after every reconnect "live:reconnected" on <body> makes the lists refetch. The same happens on the first
// connection when the page shows something unfinished (a <progress>, or data-unsettled), which may have ended before we listened.
(() => {
  const body = document.body;
  const mark = document.getElementById("live-mark");
  const address = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${body.dataset.live || "/ws/live"}`;
  const SIGNED_OUT = [1008, 4401, 4403];
  let socket = null;
  let timer = 0;
  let failures = 0;
  let before = false;

  const announce = (name) => body.dispatchEvent(new CustomEvent(name, { bubbles: true }));

  // What a person has unfolded stays unfolded when the fragment around it is replaced.
  let unfolded = [];
  function remember() {
    unfolded = [...document.querySelectorAll("details[open][id]")].map((details) => details.id);
  }
  function restore() {
    for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
  }

  // Everybody in the shop gets the same cards; htmx would report each that is not on this page as an error.
  function ofThisPage(html) {
    const pushed = document.createElement("template");
    pushed.innerHTML = html;
    const wanted = [...pushed.content.children].filter((part) => !part.id || document.getElementById(part.id));
    return wanted.map((part) => part.outerHTML).join("");
  }

  // What is the same for everybody carries no token in its forms; the page has its own.
  const { "X-CSRFToken": token } = JSON.parse(body.getAttribute("hx-headers") || "{}");
  function sign() {
    for (const field of document.querySelectorAll('input[name="csrf_token"][value=""]')) field.value = token;
  }

  function receive({ data }) {
    if (!data.startsWith("{")) {
      const html = ofThisPage(data);
      if (!html) return;
      remember();
      htmx.swap(body, html, { swapStyle: "none" });
      restore();
      sign();
      return;
    }
    const message = JSON.parse(data);
    const topics = message.topics || [];
    for (const topic of topics) announce(`changed:${topic}`);
    if (message.type === "refetch" || topics.includes("everything")) announce("live:reconnected");
  }

  function opened() {
    failures = 0;
    mark.hidden = true;
    if (before || document.querySelector("progress, [data-unsettled]")) announce("live:reconnected");
    before = true;
  }

  function closed(event) {
    socket = null;
    if (SIGNED_OUT.includes(event.code)) {
      location.reload();
      return;
    }
    failures += 1;
    if (failures > 1 || before) mark.hidden = false;
    const wait = Math.min(30000, 500 * 2 ** failures) * (0.5 + Math.random());
    timer = setTimeout(connect, wait);
  }

  function connect() {
    clearTimeout(timer);
    if (socket) return;
    socket = new WebSocket(address);
    socket.onopen = opened;
    socket.onmessage = receive;
    socket.onclose = closed;
  }

  // A phone that wakes up, or a network that returns, does not wait for the back-off.
  addEventListener("online", connect);
  addEventListener("pageshow", (event) => event.persisted && connect());
  addEventListener("pagehide", () => {
    if (!socket) return;
    socket.onclose = null;
    socket.close();
    socket = null;
  });
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && connect());

  body.addEventListener("htmx:beforeSwap", remember);
  body.addEventListener("htmx:afterSwap", restore);
  connect();
})();
