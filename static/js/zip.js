// A zip goes up with a bar that says how much of it is there. Without scripts the form posts as any other.
(() => {
  const form = document.querySelector("form[data-zip]");
  if (!form) return;
  const box = form.querySelector("[data-zip-sending]");
  const [bar, words] = ["progress", "p"].map((name) => box.querySelector(name));
  const button = form.querySelector("button[type=submit]");
  const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
  let sending = false;

  function fail(sentence) {
    sending = button.disabled = false;
    bar.hidden = true;
    box.hidden = false;
    words.className = "field-error";
    words.setAttribute("role", "alert");
    words.textContent = sentence;
  }

  function say(loaded, total) {
    bar.value = loaded * 100 / total;
    words.textContent = loaded < total ? `${megabytes(loaded)} of ${megabytes(total)} sent. Leave this page open.` : "All of it is there. A look at it…";
  }

  function parsed(text) {
    try {
      return JSON.parse(text);
    } catch {
      return {}; // a page: of signing in, or a proxy's error
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (sending) return;
    const most = Number(form.dataset.maxBytes);
    const { size } = form.elements.zip.files[0];
    if (size > most) return fail(`This zip has ${megabytes(size)}; the limit here is ${megabytes(most)}. Nothing was sent: make several zips of it.`);
    const xhr = new XMLHttpRequest();
    xhr.open("POST", form.action);
    xhr.setRequestHeader("Accept", "application/json");
    xhr.upload.onprogress = ({ loaded, total }) => say(loaded, total);
    xhr.onload = () => {
      const { url, error } = parsed(xhr.responseText);
      if (!url) return fail(error || `The server could not take the zip (error ${xhr.status}). Load the page again.`);
      sending = button.disabled = false;
      location.assign(url);
    };
    xhr.onerror = () => fail("The connection broke, and nothing was stored. Send it again.");
    sending = button.disabled = true;
    bar.hidden = box.hidden = false;
    words.className = "soft";
    words.removeAttribute("role");
    say(0, size);
    xhr.send(new FormData(form));
  });
  addEventListener("beforeunload", (event) => sending && event.preventDefault());
})();
