// Small services to pages that are whole without them: polling while somebody looks, ticking times, copying, leaving.
(() => {
  const POLL = 2000, STALE_POLL = 3, SILENT = 12000;
  const { poller, say } = connection;
  const live = () => document.getElementById("live");

  // -- polling: only while the page can be seen, never twice at once, and where nothing is under way more seldom
  let asking = false, beat = 0, seen = performance.now(), answered = performance.now(), refresh = false, fresh = false;
  const every = () => {
    const interval = Number(live()?.dataset.every || 1);
    return connection.isStale() ? Math.min(interval, STALE_POLL) : interval;
  };
  const poll = () => {
    if (document.visibilityState !== "visible" || asking) return;
    const address = live()?.dataset.poll;
    if (address && beat % every() === 0) {
      poller.setAttribute("data-hx-get", address);
      htmx.trigger(poller, "console:poll");
    }
    document.querySelectorAll("#dialog [data-hx-trigger='console:poll']").forEach((element) => htmx.trigger(element, "console:poll"));
    beat += 1;
  };
  const pollNow = () => { beat = 0; poll(); };
  setInterval(poll, POLL);
  document.addEventListener("visibilitychange", pollNow);
  document.addEventListener("close", pollNow, true);  // of a dialog: what was done in it is to be seen
  addEventListener("online", pollNow);
  document.addEventListener("htmx:config:request", (event) => {
    const { ctx } = event.detail;
    if (fresh && ctx.sourceElement === poller) { ctx.request.headers["X-Tenancy-Fresh"] = "1"; fresh = false; }
  });
  document.addEventListener("htmx:before:request", (event) => {
    asking = true;
    event.detail.ctx.polls = event.detail.ctx.sourceElement.matches("[data-hx-trigger]");
  });
  document.addEventListener("htmx:finally:request", () => {
    asking = false;
    if (refresh) { refresh = false; fresh = true; pollNow(); }
  });
  document.addEventListener("htmx:after:swap", (event) => {
    const { sourceElement: asked, request, response, polls } = event.detail?.ctx ?? {};
    if (asked !== poller) {
      if (request?.method === "POST" && !polls) refresh = true;  // one's own action is to be seen at once
      return;
    }
    if (response.status >= 400) return;
    answered = performance.now();
    // A picture that did not change comes out of the browser's cache; its times continue from when it was drawn.
    const age = Number(response.headers.get("X-Tenancy-Age")) || 0;
    seen = performance.now() - age * 1000;
    const stated = response.headers.get("X-Tenancy-Every");  // how often it may ask, which others share
    if (stated) { live().dataset.every = stated; beat = 1; }  // counted from this response on
  });

  // -- times that advance between two responses
  const pair = (large, unit, small, part) => (small && large < 10 ? `${large} ${unit} ${small} ${part}` : `${large} ${unit}`);
  const duration = (seconds) => {
    const whole = Math.floor(seconds);
    if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
    if (whole < 60) return `${whole} s`;
    const minutes = Math.floor(whole / 60);
    if (whole < 3600) return whole % 60 && whole < 600 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
    if (whole < 86400) return pair(Math.floor(whole / 3600), "h", Math.floor((whole % 3600) / 60), "min");
    return pair(Math.floor(whole / 86400), "d", Math.floor((whole % 86400) / 3600), "h");
  };
  const since = () => (performance.now() - seen) / 1000;
  const tick = () => {
    if (document.visibilityState !== "visible" || connection.isStale()) return;
    if (live()?.dataset.poll && performance.now() - answered > SILENT + every() * POLL) { connection.lost(); return; }
    document.querySelectorAll(".ticking").forEach((element) => {
      const text = duration(Number(element.dataset.elapsed) + since());
      if (element.textContent !== text) element.textContent = text;
    });
    document.querySelectorAll(".countdown").forEach((element) => {
      const left = Math.max(0, Math.floor(Number(element.dataset.left) - since()));
      element.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")} left`;
    });
    document.querySelectorAll("rect[data-span]").forEach((bar) => {
      const elapsed = Number(bar.closest("li").querySelector(".ticking").dataset.elapsed) + since();
      const place = (100 * Math.log1p(10 * elapsed)) / Math.log1p(10 * Number(bar.dataset.span));
      bar.setAttribute("width", `${Math.min(100, place).toFixed(2)}%`);
    });
  };
  setInterval(tick, 200);

  // -- copying: the clipboard where the browser allows it, else the text is selected for a person to copy
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    getSelection().selectAllChildren(source);
    let copied = false;
    try { await navigator.clipboard.writeText(source.innerText); copied = true; } catch { copied = document.execCommand("copy"); }
    const before = button.textContent;
    button.textContent = copied ? "Copied" : "Selected: copy it";
    if (copied) getSelection().removeAllRanges();
    setTimeout(() => { button.textContent = before; }, 2000);
  });

  // -- filters act when they are chosen; typing waits for Enter
  document.addEventListener("change", (event) => {
    if (event.target.matches("form[data-auto] select, form[data-auto] [type=checkbox]")) event.target.form.requestSubmit();
  });

  // -- leaving: the frame Airflow shows us in may open neither windows nor other pages, but the page around it may
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-out]");
    if (!link || window.parent === window || event.defaultPrevented) return;
    let outside;
    try { outside = window.parent.document; } catch { return; }
    event.preventDefault();
    const stand = outside.createElement("a");
    stand.href = link.href;
    if (link.matches("[data-login]")) {  // Airflow's login opens around the frame, and leads back to this very view
      const login = new URL(link.href);
      login.searchParams.set("next", window.parent.location.href);
      stand.href = login.href;
    }
    if (link.target === "_blank" || event.ctrlKey || event.metaKey) { stand.target = "_blank"; stand.rel = "noopener noreferrer"; }
    outside.body.append(stand);
    stand.click();
    stand.remove();
  });

  // -- a page that could not be shown tries again by itself; of the others only those that are polled are live
  if (document.querySelector("[data-again]")) {
    say("tries again every 5 s", "bad");
    setInterval(async () => { if (document.visibilityState === "visible" && await connection.isThere()) location.reload(); }, 5000);
  } else if (live()?.dataset.poll) say("live", "live");
})();
