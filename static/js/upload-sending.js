// Files go up in pieces, three at once, and go on where they were; docs/decisions/0026 says what is asked and answered.
// Fetched by upload.js when somebody is about to send something. The macro upload in templates/_ui/forms.html holds the row.
const AT_ONCE = 3, SHOWN_WAITING = 5, SHOWN_DONE = 3, MOST = 2000;
const PAUSES_S = [1, 2, 4, 8, 15, 30, 60, 60];
const units = ["B", "kB", "MB", "GB"];
const body = document.body;
const shown = { sending: new Set(), waiting: [], done: [] };

function size(bytes) {
  const step = Math.min(3, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  return `${(bytes / 1000 ** step).toFixed(step && bytes / 1000 ** step < 10 ? 1 : 0)} ${units[step]}`;
}

// `again`: it may help to try once more, later.
const problem = (sentence, again = false) => Object.assign(new Error(sentence), { again });

// null when the answer is a page: of signing in, or a proxy's error.
function parsed(xhr) {
  try {
    return JSON.parse(xhr.responseText);
  } catch {
    return null;
  }
}

function request(item, method, url, payload, headers) {
  return new Promise((resolve, reject) => {
    const xhr = (item.xhr = new XMLHttpRequest());
    xhr.open(method, url);
    for (const name in headers) xhr.setRequestHeader(name, headers[name]);
    xhr.upload.onprogress = (event) => payload.size && item.moved(event.loaded);
    xhr.onload = () => {
      const { status } = xhr;
      const said = parsed(xhr);
      if (method === "PUT") {
        if (status < 300) resolve();
        else reject(problem("The storage refuses this piece: its permission has run out, or the file is another one now.", true));
      } else if (status < 300 && said) resolve(said);
      else if (said?.send || said?.id) resolve({ ...said, wait: true });
      else if (status === 401 || status < 400) reject(problem("You are signed out. Load the page again and sign in, then drop the file again: it goes on where it was."));
      else if (status === 413 && !said) reject(problem("A proxy before this server refuses pieces of 8 MB."));
      else reject(problem(said?.error || `The server could not take the file (error ${status}).`, status >= 500 || status === 429));
    };
    xhr.onerror = () => reject(problem("The connection broke.", true));
    xhr.onabort = () => reject(problem(""));
    xhr.send(payload);
  });
}

class Sending {
  constructor(form, file, path) {
    Object.assign(this, { form, file, path, sent: 0, at: 0 });
  }

  mount() {
    const row = this.form.querySelector("[data-sending-row]").content.cloneNode(true);
    this.row = row.firstElementChild;
    this.bar = row.querySelector("progress");
    for (const part of ["name", "path", "figure", "say", "cancel", "retry", "open"]) this[`${part}Part`] = row.querySelector(`[data-${part}]`);
    this.namePart.textContent = this.file.name;
    this.pathPart.textContent = this.path.slice(0, -this.file.name.length - 1);
    this.bar.setAttribute("aria-label", `Upload of ${this.file.name}`);
    this.cancelPart.onclick = () => this.stop();
    this.retryPart.onclick = () => enqueue([this]);
    this.form.querySelector("[data-sending]").append(row);
  }

  show(state, say, figure = size(this.file.size)) {
    if (!this.row) this.mount();
    this.state = state;
    this.row.className = `is-${state}`;
    this.figurePart.textContent = figure;
    this.sayPart.textContent = say;
    this.bar.hidden = state === "done" || state === "bad";
    this.bar.value = this.sent * 100 / (this.file.size || 1);
    this.cancelPart.hidden = state === "done";
    this.retryPart.hidden = state !== "bad" || this.hopeless;
    this.openPart.hidden = !this.url;
    if (this.url) this.openPart.href = this.url;
    summarise(this.form);
  }

  moved(loaded) {
    if (this.stopped) return;
    this.sent = Math.min(this.file.size, this.at + loaded);
    const percent = Math.floor(this.sent * 100 / this.file.size);
    this.show("sending", percent < 100 ? "" : "Stored in a moment…", `${size(this.sent)} of ${size(this.file.size)} · ${percent} %`);
  }

  stop() {
    this.stopped = true;
    this.state = "";
    this.xhr?.abort();
    this.wake?.();
    this.row?.remove();
    if (this.undo) this.ask(this.undo).catch(() => {}).then(() => changed(this.form));
    summarise(this.form);
  }

  ask(url, what = {}) {
    return request(this, "POST", url, JSON.stringify(what), { ...this.ours(), "Content-Type": "application/json" });
  }

  ours() {
    return { "X-CSRFToken": this.form.elements.csrf_token.value, Accept: "application/json" };
  }

  // Until the pause is over or the network is back.
  rest(seconds) {
    return new Promise((resolve) => {
      this.wake = resolve;
      addEventListener("online", resolve, { once: true });
      setTimeout(resolve, seconds * 1000);
    });
  }

  async run() {
    const { file, form } = this;
    const reads = form.dataset.reads?.split(" ");
    const limit = Number(form.dataset.maxBytes);
    let refused = "";
    if (reads && !readable(form, file.name)) refused = `This kind of file cannot be read here. These can: ${reads.join(", ")}.`;
    if (limit && file.size > limit) refused = `This file has ${size(file.size)}; the limit here is ${size(limit)}.`;
    if (!file.size) refused = "This file is empty.";
    this.hopeless = refused;
    if (refused) return this.show("bad", refused);
    for (let tries = 0; !this.stopped; tries += 1) {
      const before = this.sent;
      try {
        return this.finish(await this.send());
      } catch (error) {
        if (this.stopped) return;
        if (this.sent > before || !navigator.onLine) tries = 0;
        if (!error.again || tries >= PAUSES_S.length) return this.show("bad", error.message);
        this.show("resting", navigator.onLine ? `${error.message} It goes on by itself.` : "No connection. It goes on by itself when the network is back.");
        await this.rest(navigator.onLine ? PAUSES_S[tries] : 30);
      }
    }
  }

  async send() {
    const { file } = this;
    const { name, size: bytes, lastModified: modified } = file;
    let said = await this.ask(this.next || this.form.dataset.begin, this.next ? {} : { name, size: bytes, modified, path: this.path });
    for (let last = -1; said.send; last = said.wait ? -1 : last) {
      const { method, url, at, to } = said.send;
      this.next = said.next_url;
      this.undo = said.cancel_url;
      this.id = said.upload_id;
      hideTwin(this);
      if (said.wait) {
        this.show("resting", said.error);
        await this.rest(2);
        said = await this.ask(this.next);
        continue;
      }
      if (at === last) throw problem("The server does not keep what is sent.", true);
      last = this.at = at;
      this.moved(0);
      const piece = file.slice(at, to);
      await piece.slice(0, 1).arrayBuffer().catch(() => {
        throw problem("This file was changed or removed on your device since you chose it. Drop it again.");
      });
      const direct = method === "PUT";
      const answer = await request(this, method, url, piece, { "Content-Type": "application/octet-stream", ...(direct ? {} : this.ours()) });
      said = direct ? await this.ask(this.next) : answer;
    }
    return said;
  }

  finish({ url }) {
    const here = !this.id;
    this.url = url;
    this.sent = this.file.size;
    this.undo = "";
    this.show("done", "", `${size(this.file.size)} · ${here ? "It is here already" : "Uploaded"}`);
    shown.done.push(this);
    while (shown.done.length > SHOWN_DONE) shown.done.shift().row.remove();
    changed(this.form);
  }
}

const changed = (form) => body.dispatchEvent(new CustomEvent(`changed:${form.dataset.changed}`, { bubbles: true }));
const readable = (form, name) => form.dataset.reads.split(" ").some((end) => name.toLowerCase().endsWith(end));

// What this page sends has its row above; the list below shows it again when it is done.
function hideTwin({ id, state }) {
  const twin = id && document.getElementById(`upload-${id}`);
  if (twin) twin.hidden = state === "sending" || state === "resting";
}

function summarise(form) {
  const all = form.all.filter(({ state }) => state);
  const count = (state) => all.filter((one) => one.state === state).length;
  const done = count("done");
  const bad = count("bad");
  const sum = (of) => all.reduce((total, one) => total + one[of], 0);
  const total = all.reduce((bytes, { file }) => bytes + file.size, 0);
  const [box, words, bar] = ["summary", "sum", "total"].map((part) => form.querySelector(`[data-${part}]`));
  box.hidden = all.length < 2;
  box.querySelector("[data-stop]").hidden = done + bad === all.length;
  bar.value = total ? sum("sent") * 100 / total : 0;
  bar.hidden = done + bad === all.length;
  const text = `${done} of ${all.length} files sent${bad ? `, ${bad} not taken` : ""}`;
  if (words.textContent !== text) words.textContent = text;
  form.querySelector("[data-bytes]").textContent = `${size(sum("sent"))} of ${size(total)}`;
}

function enqueue(items) {
  for (const item of items) {
    item.state = "waiting";
    shown.waiting.push(item);
  }
  next();
}

function next() {
  shown.waiting = shown.waiting.filter(({ stopped }) => !stopped);
  while (shown.sending.size < AT_ONCE && shown.waiting.length) {
    const item = shown.waiting.shift();
    shown.sending.add(item);
    item.show("sending", "");
    item.run().finally(() => {
      shown.sending.delete(item);
      hideTwin(item);
      next();
    });
  }
  for (const item of shown.waiting.slice(0, SHOWN_WAITING)) item.show("waiting", "", `${size(item.file.size)} · Waits for its turn`);
}

// Beside a folder's models lie other things; they are counted and left out.
export async function send(form, found) {
  form.all ??= [];
  form.querySelector("[data-stop]").onclick = () => form.all.filter(({ state }) => state !== "done" && state !== "bad").forEach((item) => item.stop());
  const items = [];
  let left = 0;
  for await (const [file, path] of found) {
    const inFolder = path.includes("/");
    if (items.length >= MOST || (inFolder && !readable(form, file.name))) left += 1;
    else items.push(new Sending(form, file, inFolder ? path : ""));
  }
  const why = items.length < MOST ? "they are of kinds that cannot be read here" : `${MOST} go at once at most`;
  form.querySelector("[data-left]").textContent = left ? `Left out of the folder: ${left} other ${left > 1 ? "files" : "file"}; ${why}.` : "";
  items.sort((one, other) => (one.path || one.file.name).localeCompare(other.path || other.file.name, [], { numeric: true }));
  form.all.push(...items);
  enqueue(items);
}


body.addEventListener("htmx:afterSwap", () => shown.sending.forEach(hideTwin));
addEventListener("beforeunload", (event) => {
  if (shown.sending.size || shown.waiting.length) event.preventDefault();
});
