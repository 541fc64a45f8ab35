// One WebSocket for all that moves; templates/base.html says what the server sends. Nothing is replayed: after a reconnect
// "live:reconnected" makes the lists refetch; the first time we say when the page was asked for, and the server whether it is still true.
(() => {
  const body = document.body;
  const mark = document.getElementById("live-mark");
  const address = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${body.dataset.live || "/ws/live"}`;
  const SIGNED_OUT = [1008, 4401, 4403];
  let socket = null;
  let timer = 0;
  let failures = 0;
  let before = false;
  let leaving = false;

  const announce = (name) => body.dispatchEvent(new CustomEvent(name, { bubbles: true }));

  // What a person has unfolded stays unfolded when the fragment around it is replaced, and a focus whose holder is gone (also
  // while a dialog was open) finds its place: the same control, else what it stood in. Ids alone do not do: most buttons have none.
  let unfolded = [];
  let held = null;
  const words = (control) => control.href || control.textContent + control.name;
  function hold({ target }) {
    if (target.closest("dialog")) return;
    held = { control: target, words: words(target), places: [] };
    for (let place = target; place; place = place.parentElement?.closest("[id]")) if (place.id) held.places.push(place.id);
  }
  function remember(event) {
    unfolded = [...document.querySelectorAll("details[open][id]")].map((details) => details.id);
    typed = new Map(event && isAsked(event) ? [] : fields().filter(isTouched).map((one) => [place(one), one[content(one)]]));
  }
  function restore() {
    for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
    for (const one of fields()) {
      const before = typed.get(place(one));
      const fits = !one.options || [...one.options].some(({ value }) => value === before);
      if (before !== undefined && fits) one[content(one)] = before;
    }
    giveFocus();
  }

  // What a person has typed or chosen outlives a swap that they did not ask for. A select shows what it showed.
  let typed = new Map();
  const fields = () => [...document.querySelectorAll("form :is(input:not([type=hidden], [type=file]), select, textarea)")];
  const content = ({ type }) => (type === "checkbox" || type === "radio" ? "checked" : "value");
  const isTouched = (one) => one[content(one)] !== (content(one) === "value" ? one.defaultValue : one.defaultChecked);
  const place = (one) => [one.form?.getAttribute("action"), one.name, one.type === "radio" && one.value].join();

  function giveFocus() {
    if (!held || document.activeElement !== body || held.control.checkVisibility()) return;
    const place = held.places.map((id) => document.getElementById(id)).find((one) => one?.checkVisibility());
    if (!place) return;
    const again = [...place.querySelectorAll("a, summary, :enabled")].find((one) => words(one) === held.words && one.checkVisibility())
      || place.querySelector(":scope > summary"); // of a menu that was shut meanwhile
    if (!again) place.tabIndex = -1;
    (again || place).focus({ preventScroll: true });
  }

  // What somebody presses is still there when they let go, or the click would be lost or meet what came in its place: whatever
  // nobody asked for waits meanwhile, though not for ever (the list of a select swallows the release).
  let pressed = 0;
  let deed = null; // what they asked for last; it comes before the lists, or its answer would not find its place
  const parts = [];
  const again = new Set();
  function press(ms) {
    clearTimeout(pressed);
    pressed = setTimeout(release, ms);
  }
  function release() {
    if (deed?.readyState % 4) return press(50); // neither through (4) nor broken off (0)
    pressed = 0;
    parts.splice(0).forEach(show);
    const lists = [...again];
    again.clear();
    lists.forEach(announce);
  }

  const cause = ({ detail }) => detail.requestConfig.triggeringEvent?.type;
  const isAsked = (event) => event.detail.requestConfig.verb !== "get" || !/^(undefined$|changed:|live:)/.test(cause(event));
  function beforeSwap(event) {
    if (!pressed || isAsked(event)) return remember(event);
    event.detail.shouldSwap = false;
    again.add(cause(event) || "live:reconnected"); // "load" and "every" have no event
  }

  // Everybody gets the same parts; htmx logs one without a place on this page as an error.
  const hasPlace = ({ id }) => !id || document.getElementById(id);

  function show(data) {
    const found = new DOMParser().parseFromString(data, "text/html").body.children;
    remember();
    htmx.swap(body, [...found].filter(hasPlace).map((part) => part.outerHTML).join(""), { swapStyle: "none" });
    restore();
  }

  function receive({ data }) {
    if (!data.startsWith("{")) {
      if (pressed) parts.push(data);
      else show(data);
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
    if (before) announce("live:reconnected");
    before = true;
  }

  function closed(event) {
    socket = null;
    if (SIGNED_OUT.includes(event.code)) {
      setTimeout(() => location.reload(), leaving ? 10000 : 0); // the page that is on its way says it itself
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
    socket = new WebSocket(before ? address : `${address}?since=${body.dataset.askedAt}`);
    socket.onopen = opened;
    socket.onmessage = receive;
    socket.onclose = closed;
  }

  // A phone that wakes up, or a network that returns, does not wait for the back-off.
  addEventListener("online", connect);
  addEventListener("pageshow", (event) => event.persisted && connect());
  addEventListener("beforeunload", () => {
    leaving = true;
    setTimeout(() => { leaving = false; }, 10000); // still here: it was a download
  });
  addEventListener("pagehide", () => {
    if (!socket) return;
    const left = socket;
    socket = null;
    left.onclose = null;
    if (left.readyState === WebSocket.OPEN) left.close();
    else left.onopen = () => left.close(); // closing it now would be an error in the console
  });
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && connect());

  addEventListener("pointerdown", () => press(2000), true);
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => press(50), true); // the click of a finger comes later
  body.addEventListener("htmx:beforeSend", (event) => { if (isAsked(event)) deed = event.detail.xhr; });
  body.addEventListener("htmx:beforeSwap", beforeSwap);
  body.addEventListener("htmx:afterSwap", restore);
  document.addEventListener("focusin", hold);
  hold({ target: document.activeElement || body }); // autofocus came before us
  document.addEventListener("close", giveFocus, true); // of a dialog; it does not bubble
  connect();
})();
