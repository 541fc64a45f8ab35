// The print button, and another paper as soon as it is chosen.
document.addEventListener("click", (event) => event.target.closest("[data-print]") && print());
document.querySelector("[data-labels]")?.addEventListener("change", (event) => {
  if (event.target.name === "paper") event.currentTarget.requestSubmit();
});
