// The page without a connection: says how old it is, and gives way to the real one as soon as the server answers.
(() => {
  const time = document.querySelector("[data-as-of]");
  const age = document.querySelector("[data-age]");
  const words = (minutes) => {
    if (minutes < 1) return "less than a minute old";
    if (minutes < 90) return `${Math.round(minutes)} min old`;
    if (minutes < 48 * 60) return `${Math.round(minutes / 60)} h old`;
    return `${Math.round(minutes / 1440)} days old`;
  };

  function tell() {
    if (time) age.textContent = words(Math.max(0, Date.now() - Date.parse(time.dateTime)) / 60000);
  }

  async function look() {
    tell();
    const answer = await fetch("/healthz", { cache: "no-store" }).catch(() => null);
    if (answer?.ok) location.reload();
  }

  tell();
  addEventListener("online", look);
  setInterval(look, 15000);
})();
