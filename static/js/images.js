// Drag a picture to another place; the buttons do the same without it.
(() => {
  let held = null
  const tile = (target) => target.closest?.("[data-images] > [data-image]")
  document.addEventListener("dragstart", (event) => {
    held = tile(event.target)
    held?.classList.add("is-held")
  })
  document.addEventListener("dragover", (event) => {
    const over = tile(event.target)
    if (!held || !over) return
    event.preventDefault()
    if (over === held) return
    const box = over.getBoundingClientRect()
    over[event.clientX > box.left + box.width / 2 ? "after" : "before"](held)
  })
  document.addEventListener("drop", (event) => { if (held) event.preventDefault() })
  document.addEventListener("dragend", () => {
    if (!held) return
    held.classList.remove("is-held")
    const after = held.previousElementSibling?.dataset.image ?? ""
    htmx.ajax("POST", held.dataset.move, { target: "#images", swap: "outerHTML", values: { after } })
    held = null
  })
})()
