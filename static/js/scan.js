// Scanning with the camera, where the browser can read codes and gives a camera (it does so only over https or on localhost).
// Everywhere else it says why, and the photo and the typed code beside it do the same. The server decides what a code means.
(() => {
  const place = document.querySelector("[data-scan]");
  if (!place) return;
  const video = place.querySelector("video");
  const frame = place.querySelector(".viewfinder");
  const start = place.querySelector("[data-start]");
  const stop = place.querySelector("[data-stop]");
  const INSTEAD = " Take a photo of the label, or type its code.";
  const LOOK_EVERY_MS = 200;
  const WHY = {
    NotAllowedError: "The camera is blocked for this site. Allow it in the browser's settings for the site, then start it again.",
    NotFoundError: "This device has no camera that the browser can use.",
    NotReadableError: "Another program uses the camera.",
  };
  let stream = null;
  let wanted = false; // switched on by the person, also while the page is in the background
  let detector = null;

  const say = (text) => {
    place.querySelector("[data-say]").textContent = text;
  };

  function show(on) {
    frame.hidden = stop.hidden = !on;
    start.hidden = on;
    place.querySelector("[data-switch]").hidden = false;
  }

  function close() {
    stream?.getTracks().forEach((track) => track.stop());
    stream = video.srcObject = null;
    show(false);
  }

  async function open() {
    wanted = true;
    if (stream) return;
    try {
      const given = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
      if (!wanted || document.hidden) {
        given.getTracks().forEach((track) => track.stop());
        return;
      }
      stream = video.srcObject = given;
      show(true);
      say("Hold the label into the frame.");
      await video.play();
      look(given);
    } catch (problem) {
      close();
      say((WHY[problem.name] || "The camera could not be started.") + INSTEAD);
    }
  }

  async function look(mine) {
    while (stream === mine) {
      const found = video.readyState >= 2 ? await detector.detect(video).catch(() => []) : [];
      const text = found.map((code) => code.rawValue).find(Boolean);
      if (text && stream === mine) {
        say("Found. Opening…");
        wanted = false;
        close();
        location.assign(`${place.dataset.open}?text=${encodeURIComponent(text.slice(0, 500))}`);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  async function prepare() {
    if (!isSecureContext || !navigator.mediaDevices?.getUserMedia) {
      say(`No live camera here: browsers give it only to pages opened over https.${INSTEAD}`);
      return;
    }
    const formats = "BarcodeDetector" in window ? await BarcodeDetector.getSupportedFormats().catch(() => []) : [];
    if (!formats.includes("qr_code")) {
      say(`This browser cannot read codes from the camera by itself.${INSTEAD}`);
      return;
    }
    detector = new BarcodeDetector({ formats: ["qr_code"] });
    start.addEventListener("click", open);
    stop.addEventListener("click", () => {
      wanted = false;
      close();
      say("The camera is off.");
    });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) close();
      else if (wanted) open();
    });
    addEventListener("pagehide", close);
    show(false);
    say("The camera is off.");
    const allowed = await navigator.permissions?.query({ name: "camera" }).catch(() => null);
    if (allowed?.state === "granted") open();
  }

  // A photo that was just taken is sent at once.
  document.querySelector("[data-photo]")?.addEventListener("change", (event) => {
    const form = event.currentTarget;
    form.querySelector("[data-reading]").hidden = false;
    form.requestSubmit();
  });

  prepare();
})();
