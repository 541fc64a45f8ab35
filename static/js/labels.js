// The print button, and another paper as soon as it is chosen.
document.querySelector("[data-print]")?.addEventListener("click", () => print());
document.querySelector("[data-labels]")?.addEventListener("change", (event) => {
  if (event.target.name === "paper") event.currentTarget.requestSubmit();
});
