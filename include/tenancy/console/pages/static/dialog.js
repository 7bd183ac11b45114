// Dialogs: filled by the server, shown by the browser, emptied when closed, so that nothing of them polls on.
(() => {
  const dialog = document.getElementById("dialog"), body = document.getElementById("dialog-body");
  const notice = (text) => {
    const line = document.createElement("p");
    line.className = "notice bad unanswered";
    line.setAttribute("role", "alert");
    line.textContent = text;
    return line;
  };

  // -- a missing response: shown next to the element that sent the request
  document.addEventListener("console:unanswered", (event) => {
    const asked = event.detail.sourceElement, form = asked?.closest("form");
    const reason = navigator.onLine ? "Can't reach Airflow." : "You are offline.";
    if (form?.matches("[data-hx-trigger]")) return;  // it polls again by itself
    if (form) {
      form.querySelector(".unanswered")?.remove();
      const again = form.dataset.unanswered || "The action may have been performed. You can send it again: it is performed only once.";
      form.querySelector("h2, label")?.insertAdjacentElement(form.querySelector("h2") ? "afterend" : "beforebegin", notice(`${reason} ${again}`));
    } else if (dialog && asked?.matches("[data-hx-target='#dialog-body']")) {
      const element = document.createElement("div"), close = document.createElement("button");
      element.className = "dialog";
      close.type = "button"; close.className = "plain"; close.textContent = "Close"; close.dataset.close = "";
      element.append(notice(`${reason} Nothing was requested and nothing was changed. Try again in a moment.`), close);
      body.replaceChildren(element);
      if (!dialog.open) dialog.showModal();
      close.focus();
    }
  });

  if (dialog) {
    // -- while a form is being sent its dialog stays open, so that its response can be read
    let sending = null;
    const wait = () => {
      const buttons = body.querySelector(".buttons");
      if (!buttons || buttons.querySelector(".sending")) return;
      const element = document.createElement("small");
      element.className = "sending";
      element.setAttribute("role", "status");
      element.textContent = "Sending. Wait for the response.";
      buttons.prepend(element);
    };
    document.addEventListener("htmx:before:request", (event) => {
      const { ctx } = event.detail, asked = ctx.sourceElement;
      if (ctx.request.method === "POST" && body.contains(asked) && !asked.matches("[data-hx-trigger]")) sending = ctx;
    });
    document.addEventListener("htmx:finally:request", (event) => {
      if (event.detail.ctx !== sending) return;
      sending = null;
      body.querySelector(".sending")?.remove();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && sending && dialog.open) { event.preventDefault(); wait(); }
    }, true);
    dialog.addEventListener("cancel", (event) => { if (sending) { event.preventDefault(); wait(); } });
    // A browser may close it all the same: then its answer does not open it again. The page behind it shows what was done.
    dialog.addEventListener("close", () => { if (sending) sending.dropped = true; body.replaceChildren(); });
    document.addEventListener("htmx:before:swap", (event) => { if (event.detail.ctx.dropped) event.preventDefault(); });

    document.addEventListener("htmx:after:swap", () => {
      if (!body.firstElementChild) return;
      if (!dialog.open) dialog.showModal();
      const wrong = body.querySelector("[aria-invalid]");
      if (wrong) wrong.focus();
      else if (!body.contains(document.activeElement)) body.querySelector("[data-close]")?.focus();
    });
    addEventListener("pagehide", () => { if (body.querySelector("#invited")) dialog.close(); });  // nor come back with Back
    document.addEventListener("click", (event) => {
      // A click beside it must not lose what is shown once.
      const closes = event.target.closest("[data-close]") || (event.target === dialog && !body.querySelector("#invited"));
      if (!closes) return;
      if (sending) wait(); else dialog.close();
    });
  }
  // A created tenant's page opens by itself.
  document.addEventListener("htmx:after:swap", () => {
    const next = document.querySelector("[data-goto]");
    if (next) location.assign(next.dataset.goto);
  });
})();
