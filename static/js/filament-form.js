// The form of a filament: a usual colour fills in value and name, and what is typed afterwards counts again.
(() => {
  const form = document.querySelector("form[data-filament-form]");
  if (!form) return;
  const { colour_hex: typed, colour_name: name } = form.elements;
  const picker = form.querySelector("input[type=color]");
  const presets = [...form.querySelectorAll("input[name=preset]")];
  const asTyped = presets.find((one) => one.value === "");
  const known = new Set(presets.map((one) => one.dataset.name));

  const show = () => {
    const first = /#?([0-9a-f]{6})/i.exec(typed.value);
    if (picker && first) picker.value = `#${first[1]}`;
  };

  form.addEventListener("input", (event) => {
    const field = event.target;
    if (field.name === "preset" && field.value) {
      typed.value = field.value;
      if (!name.value || known.has(name.value)) name.value = field.dataset.name;
    } else if (field === picker) {
      typed.value = picker.value.toUpperCase();
      asTyped.checked = true;
    } else if (field === typed) {
      asTyped.checked = true;
    } else {
      return;
    }
    show();
  });
  show();
})();
