// "/" goes to the search field of the page (or follows the link marked data-search), "?" shows the keys.
(() => {
  const typing = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;

  function search() {
    const field = document.querySelector("[data-search]");
    if (!field) return false;
    if (field.matches("input")) {
      field.focus();
      field.select();
    } else field.click();
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key === "/" && search()) event.preventDefault();
    if (event.key === "?") {
      event.preventDefault();
      document.getElementById("keys").showModal();
    }
  });
})();
