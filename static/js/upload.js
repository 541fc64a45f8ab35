// Where files are dropped or chosen, folders too. What sends them is fetched when somebody is about to need it; without
// scripts the form posts as any other.
(() => {
  const sender = (form) => import(form.dataset.sender);

  async function take(form, found) {
    const complain = (sentence) => { form.querySelector("[data-left]").textContent = sentence; };
    const { send } = await sender(form).catch(() => ({}));
    if (!send) return complain("There is no connection, and nothing was sent. Drop the files again when it is back.");
    await send(form, found).catch(() => complain("Your device does not let this folder be read to its end. Drop it again."));
  }

  async function* walk(entry, file) {
    if (!entry) yield [file, ""];
    else if (entry.isFile) yield [await new Promise((resolve, reject) => entry.file(resolve, reject)), entry.fullPath.slice(1)];
    else {
      const reader = entry.createReader();
      for (let some; (some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))).length; ) for (const one of some) yield* walk(one);
    }
  }

  async function* all(entries) {
    for (const [entry, file] of entries) yield* walk(entry, file);
  }

  // What was dropped is there only while the event lasts.
  function dropped({ items }) {
    return all([...items].filter(({ kind }) => kind === "file").map((item) => [item.webkitGetAsEntry?.(), item.getAsFile()]));
  }

  function prepare(form) {
    const zone = form.querySelector(".drop");
    for (const input of form.querySelectorAll("input[type=file]")) {
      if (input.dataset.folder !== undefined && !("webkitdirectory" in input)) input.closest("label").remove();
      input.addEventListener("change", () => {
        const files = [...input.files].map((file) => [file, file.webkitRelativePath || ""]);
        input.value = "";
        take(form, files);
      });
    }
    form.addEventListener("submit", (event) => event.preventDefault());
    for (const name of ["pointerdown", "focusin"]) form.addEventListener(name, () => sender(form).catch(() => {}), { once: true });
    // Anywhere on the page: beside the zone the browser would leave the page and show the file.
    for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
      document.addEventListener(name, (event) => {
        const { dataTransfer } = event;
        if (!dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        zone.classList.toggle("is-over", name === "dragenter" || name === "dragover");
        if (name === "drop") take(form, dropped(dataTransfer));
        else sender(form).catch(() => {});
      });
    }
  }

  document.querySelectorAll("form[data-upload]").forEach(prepare);
})();
