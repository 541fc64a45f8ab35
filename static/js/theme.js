// Light, dark or system. The choice is kept in a cookie, so that the server draws the next page in it without a flash.
(() => {
  const root = document.documentElement;
  const order = ["system", "light", "dark"];
  const words = { system: "Theme: as the device", light: "Theme: light", dark: "Theme: dark" };

  function show(theme) {
    root.dataset.theme = theme;
    for (const button of document.querySelectorAll("[data-theme-next]")) {
      const icon = button.querySelector("use");
      const file = icon.getAttribute("href").split("#")[0];
      icon.setAttribute("href", `${file}#${{ system: "monitor", light: "sun", dark: "moon" }[theme]}`);
      button.querySelector("span").textContent = words[theme];
    }
  }

  function choose(theme) {
    document.cookie = `theme=${theme};path=/;max-age=31536000;samesite=lax${location.protocol === "https:" ? ";secure" : ""}`;
    show(theme);
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-theme-next]")) choose(order[(order.indexOf(root.dataset.theme) + 1) % 3]);
  });
  document.addEventListener("change", (event) => {
    if (event.target.closest("[data-theme-choice]") && order.includes(event.target.value)) choose(event.target.value);
  });
  show(order.includes(root.dataset.theme) ? root.dataset.theme : "system");
})();
