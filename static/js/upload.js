// Uploads with real progress, one row per file; without this script the form posts as any other.
// The macro upload in templates/_ui/forms.html says how forms and answers look.
(() => {
  const AT_ONCE = 2;
  const units = ["bytes", "kB", "MB", "GB"];
  let sending = 0;

  function size(bytes) {
    const step = Math.min(3, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
    return `${(bytes / 1000 ** step).toFixed(step && bytes / 1000 ** step < 10 ? 1 : 0)} ${units[step]}`;
  }

  // Rejects with a sentence; `onShare` gets 0…1; `keep` the XMLHttpRequest, to cancel it.
  function request(method, url, payload, { headers = {}, onShare = () => {}, keep = () => {} } = {}) {
    return new Promise((resolve, reject) => {
      const xhr = new XMLHttpRequest();
      keep(xhr);
      xhr.open(method, url);
      for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
      xhr.upload.onprogress = (event) => event.lengthComputable && onShare(event.loaded / event.total);
      xhr.onload = () => {
        const said = answer(xhr);
        if (xhr.status >= 400) reject(new Error(said?.error || refusal(xhr.status)));
        else if (!said && method === "POST") reject(new Error("You are signed out. Load the page again, sign in, and repeat the upload."));
        else resolve(said || {});
      };
      xhr.onerror = () => reject(new Error("The connection broke before the file was complete. Nothing was stored; try again."));
      xhr.onabort = () => reject(new DOMException("cancelled", "AbortError"));
      xhr.send(payload);
    });
  }

  // null when the answer is a page: of signing in, or a proxy's error.
  function answer(xhr) {
    try {
      return JSON.parse(xhr.responseText);
    } catch {
      return null;
    }
  }

  function refusal(status) {
    if (status === 413) return "This file is larger than the server accepts.";
    return `The server could not take the file (error ${status}). Nothing was stored; try again.`;
  }

  class Sending {
    constructor(form, file) {
      this.form = form;
      this.file = file;
      const row = form.querySelector("[data-sending-row]").content.cloneNode(true);
      this.row = row.firstElementChild;
      this.bar = row.querySelector("progress");
      for (const part of ["name", "figure", "say", "cancel", "retry", "open"]) this[part] = row.querySelector(`[data-${part}]`);
      this.name.textContent = file.name;
      this.bar.setAttribute("aria-label", `Upload of ${file.name}`);
      this.cancel.onclick = () => this.stop();
      this.retry.onclick = () => enqueue(this);
      form.querySelector("[data-sending]").append(row);
      this.wait();
    }

    wait() {
      this.show({ figure: size(this.file.size), say: "Waiting for its turn", bar: 0 });
    }

    show({ figure, say = "", bar = null, bad = false, url = "" }) {
      this.row.classList.toggle("is-bad", bad);
      this.figure.textContent = figure;
      this.say.textContent = say;
      this.bar.hidden = bar === null;
      if (bar !== null) this.bar.value = bar;
      this.cancel.hidden = bar === null && !bad;
      this.retry.hidden = !bad;
      this.open.hidden = !url;
      if (url) this.open.href = url;
    }

    stop() {
      this.stopped = true;
      this.xhr?.abort();
      this.row.remove();
    }

    async run() {
      const { file, form } = this;
      const limit = Number(form.dataset.maxBytes);
      if (limit && file.size > limit) {
        this.show({ figure: size(file.size), bad: true, say: `This file has ${size(file.size)}; the limit here is ${size(limit)}.` });
        return;
      }
      try {
        const { url = "" } = await this.send();
        this.show({ figure: size(file.size), say: "Uploaded. The list below says how far it is.", url });
        document.body.dispatchEvent(new CustomEvent(`changed:${form.dataset.changed || "uploads"}`, { bubbles: true }));
      } catch (error) {
        if (!this.stopped) this.show({ figure: size(file.size), bad: true, say: error.message });
      }
    }

    async send() {
      const csrf = { "X-CSRFToken": this.form.elements.csrf_token.value, Accept: "application/json" };
      const watch = { keep: (xhr) => { this.xhr = xhr; }, onShare: (share) => this.moved(share) };
      const { directUrl } = this.form.dataset;
      if (directUrl) {
        const { name, size: bytes, type } = this.file;
        const ticket = await request("POST", directUrl, JSON.stringify({ name, size: bytes, type }), { headers: { ...csrf, "Content-Type": "application/json" } });
        if (ticket.put_url) {
          await request("PUT", ticket.put_url, this.file, { headers: { "Content-Type": type || "application/octet-stream" }, ...watch });
          return request("POST", ticket.done_url, JSON.stringify({ upload_id: ticket.upload_id }), { headers: { ...csrf, "Content-Type": "application/json" } });
        }
      }
      const input = this.form.querySelector("input[type=file]");
      const body = new FormData(this.form);
      body.delete(input.name);
      body.append(input.name, this.file);
      return request("POST", this.form.action, body, { headers: csrf, ...watch });
    }

    moved(share) {
      const percent = Math.floor(share * 100);
      this.show({
        figure: `${size(this.file.size * share)} of ${size(this.file.size)} · ${percent} %`,
        say: share < 1 ? "" : "Stored by the server in a moment…",
        bar: percent,
      });
    }
  }

  const waiting = [];

  function enqueue(item) {
    item.wait();
    waiting.push(item);
    next();
  }

  function next() {
    while (sending < AT_ONCE && waiting.length) {
      const item = waiting.shift();
      if (item.stopped) continue;
      sending += 1;
      item.run().finally(() => {
        sending -= 1;
        next();
      });
    }
  }

  function prepare(form) {
    const input = form.querySelector("input[type=file]");
    const zone = form.querySelector(".drop");
    const take = (files) => [...files].forEach((file) => enqueue(new Sending(form, file)));
    input.addEventListener("change", () => {
      take(input.files);
      input.value = "";
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    for (const name of ["dragenter", "dragover"]) {
      zone.addEventListener(name, (event) => {
        event.preventDefault();
        zone.classList.add("is-over");
      });
    }
    for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("is-over"));
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      take(event.dataTransfer.files);
    });
  }

  document.querySelectorAll("form[data-upload]").forEach(prepare);
  addEventListener("beforeunload", (event) => {
    if (sending || waiting.length) event.preventDefault();
  });
})();
