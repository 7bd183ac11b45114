// Small services to pages that are whole without them: polling while somebody looks, ticking times, copying, leaving.
(() => {
  const POLL = 2000;
  const notice = () => document.getElementById("notice");
  const pulse = () => document.getElementById("pulse");

  // -- polling: only while the page can be seen, never twice at once, and where nothing is under way more seldom
  let asking = false, beat = 0, seen = performance.now();
  const poll = () => {
    if (document.visibilityState !== "visible" || asking) return;
    document.querySelectorAll("[data-hx-trigger='console:poll']").forEach((element) => {
      if (beat % Number(element.dataset.every || 1) === 0) htmx.trigger(element, "console:poll");
    });
    beat += 1;
  };
  const pollNow = () => { beat = 0; poll(); };
  setInterval(poll, POLL);
  document.addEventListener("visibilitychange", pollNow);
  document.addEventListener("close", pollNow, true);  // of a dialog: what was done in it is to be seen
  document.addEventListener("htmx:before:request", () => { asking = true; });
  document.addEventListener("htmx:finally:request", () => { asking = false; });
  document.addEventListener("htmx:after:swap", (event) => {
    const asked = event.detail?.ctx?.sourceElement;
    if (asked && !asked.matches("[data-hx-trigger='console:poll']")) return;  // what a dialog says is not about the page
    // A picture that did not change comes out of the browser's cache; its times go on from when it was drawn.
    const age = Number(event.detail?.ctx?.response?.headers?.get("X-Tenancy-Age")) || 0;
    seen = performance.now() - age * 1000;
    const every = event.detail?.ctx?.response?.headers?.get("X-Tenancy-Every");  // how often it may ask, which others share
    if (every) { document.getElementById("live").dataset.every = every; beat = 1; }  // counted from this answer on
    const status = event.detail?.ctx?.response?.status;
    if (!status || status < 400) { notice().replaceChildren(); say("live", "live"); } else say("last picture", "bad");
  });
  document.addEventListener("htmx:error", () => {
    const line = document.createElement("p");
    line.className = "notice bad";
    line.textContent = "Airflow's api-server does not answer, so this page does not either. What you see below is the last "
      + "picture there was. It says nothing about any tenant; escalate to platform engineering if it lasts.";
    notice().replaceChildren(line);
    say("last picture", "bad");
  });
  const say = (text, tone) => {
    const mark = pulse();
    if (mark.textContent !== text) { mark.textContent = text; mark.className = `live ${tone}`; }
  };

  // -- times that go on between two answers
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
    if (document.visibilityState !== "visible") return;
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
    if (link.target === "_blank" || event.ctrlKey || event.metaKey) { stand.target = "_blank"; stand.rel = "noopener noreferrer"; }
    outside.body.append(stand);
    stand.click();
    stand.remove();
  });

  // -- a page that could not be shown asks again by itself; of the others only those that are polled are live
  if (document.querySelector("[data-again]")) {
    say("asks again every 5 s", "bad");
    setInterval(() => { if (document.visibilityState === "visible") location.reload(); }, 5000);
  } else if (document.querySelector("[data-hx-trigger='console:poll']")) say("live", "live");
})();
