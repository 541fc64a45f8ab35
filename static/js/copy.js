// A button that copies the field it names (data-copy). Without https there is no clipboard: the field is marked, to be copied by hand.
document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (!button) return;
  const field = document.querySelector(button.dataset.copy);
  field.select();
  const done = await navigator.clipboard?.writeText(field.value).then(() => true, () => false);
  button.nextElementSibling.textContent = done ? "Copied." : "It is marked: copy it now.";
});
