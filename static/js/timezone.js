// <select data-browser-zone>: starts with the zone of the browser, which the server cannot know.
(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const select of document.querySelectorAll("select[data-browser-zone]")) {
    if ([...select.options].some((option) => option.value === zone)) select.value = zone;
  }
})();
