// Dialogs: filled by the server, shown by the browser, emptied when closed, so that nothing of them polls on.
(() => {
  const dialog = document.getElementById("dialog"), body = document.getElementById("dialog-body");
  if (dialog) {
    document.addEventListener("htmx:after:swap", () => {
      if (!body.firstElementChild) return;
      if (!dialog.open) dialog.showModal();
      const wrong = body.querySelector("[aria-invalid]");
      if (wrong) wrong.focus();
      else if (!body.contains(document.activeElement)) body.querySelector("[data-close]")?.focus();
    });
    dialog.addEventListener("close", () => body.replaceChildren());
    addEventListener("pagehide", () => { if (body.querySelector("#invited")) dialog.close(); });  // nor come back with Back
    document.addEventListener("click", (event) => {
      // A click beside it must not lose what is shown once.
      if (event.target.closest("[data-close]") || (event.target === dialog && !body.querySelector("#invited"))) dialog.close();
    });
  }
  // A created tenant's page opens by itself.
  document.addEventListener("htmx:after:swap", () => {
    const next = document.querySelector("[data-goto]");
    if (next) location.assign(next.dataset.goto);
  });
})();
