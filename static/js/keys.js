// "/" goes to the search box or its page, "?" shows the keys, "g" and a letter (data-go) goes to a page of the menu.
(() => {
  const typing = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;
  let going = 0;

  function search() {
    const field = [...document.querySelectorAll("[data-search]")].find((one) => one.checkVisibility());
    if (!field) return false;
    if (field.matches("input")) {
      field.focus();
      field.select();
    } else field.click();
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
    const { key } = event;
    const goes = Date.now() - going < 1500;
    going = key === "g" ? Date.now() : 0;
    if (goes && /^[a-z]$/.test(key)) document.querySelector(`[data-go="${key}"]`)?.click();
    if (key === "/" && search()) event.preventDefault();
    if (key === "?") {
      event.preventDefault();
      document.getElementById("keys").showModal();
    }
  });
})();
