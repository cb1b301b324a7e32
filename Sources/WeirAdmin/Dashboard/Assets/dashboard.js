// What pages do beyond HTML: the theme's switch, parts that update by themselves, and progress. All pages work without it.
"use strict";

(() => {
  const root = document.documentElement;

  // The theme: the server writes it into the page by this cookie, so that nothing flashes.
  const themes = ["auto", "light", "dark"];
  const themeButton = document.querySelector("button[data-theme]");
  if (themeButton) {
    themeButton.hidden = false;
    const say = () => { themeButton.textContent = "Theme: " + (root.dataset.theme || "auto"); };
    say();
    themeButton.addEventListener("click", () => {
      const next = themes[(themes.indexOf(root.dataset.theme || "auto") + 1) % themes.length];
      if (next === "auto") delete root.dataset.theme; else root.dataset.theme = next;
      document.cookie = "weir_theme=" + next + "; path=/; max-age=31536000; samesite=strict";
      say();
    });
  }

  // Live parts: each event holds, for some ids, the HTML that the server would have put there.
  const live = document.querySelector("[data-live]");
  const liveState = document.getElementById("live-state");
  if (live && window.EventSource) {
    let source = null;
    const open = () => {
      if (source || document.hidden) return;
      source = new EventSource(live.dataset.live);
      source.addEventListener("parts", (event) => {
        const parts = JSON.parse(event.data);
        for (const [id, html] of Object.entries(parts)) {
          const place = document.getElementById(id);
          if (!place || place.weirHTML === html) continue;
          // Whoever is reading or typing in it is not disturbed.
          if (place.contains(document.activeElement)) continue;
          place.weirHTML = html;
          place.innerHTML = html;
        }
        if (liveState) liveState.textContent = "live";
      });
      source.addEventListener("progress", (event) => {
        const { done, total, text } = JSON.parse(event.data);
        const bar = document.querySelector("progress[data-progress]");
        const words = document.getElementById("progress-text");
        if (bar && total > 0) { bar.max = total; bar.value = Math.min(done, total); }
        if (words) words.textContent = text;
      });
      source.addEventListener("end", () => { close(); location.reload(); });
      source.addEventListener("over", () => { close(); if (liveState) liveState.textContent = "signed out; reload to sign in"; });
      source.onerror = () => {
        const isOver = source && source.readyState === EventSource.CLOSED;
        if (liveState) liveState.textContent = isOver ? "not live; reload the page" : "not live; trying again";
      };
    };
    const close = () => { if (source) { source.close(); source = null; } };
    // A page that nobody sees asks for nothing; browsers allow few connections to one server.
    document.addEventListener("visibilitychange", () => { if (document.hidden) close(); else open(); });
    window.addEventListener("pagehide", close);
    window.addEventListener("pageshow", open);
    open();
  }

  // A long export: read as it comes, with its progress, then handed to the browser as a file.
  for (const link of document.querySelectorAll("a[data-export]")) {
    link.addEventListener("click", async (event) => {
      event.preventDefault();
      const words = document.getElementById("export-text");
      const total = Number(link.dataset.rows);
      const say = (text) => { if (words) words.textContent = text; };
      try {
        say("Exporting…");
        const answer = await fetch(link.href, { credentials: "same-origin" });
        if (!answer.ok) throw new Error("the server answered " + answer.status);
        const reader = answer.body.getReader();
        const pieces = [];
        let rows = 0;
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          pieces.push(value);
          for (const byte of value) if (byte === 10) rows += 1;
          say("Exporting: " + rows.toLocaleString("en") + " lines" + (total > 0 ? " of about " + total.toLocaleString("en") : ""));
        }
        const address = URL.createObjectURL(new Blob(pieces, { type: answer.headers.get("content-type") }));
        const save = document.createElement("a");
        save.href = address;
        save.download = link.dataset.export;
        save.click();
        setTimeout(() => URL.revokeObjectURL(address), 60000);
        say("Exported " + rows.toLocaleString("en") + " lines.");
      } catch (error) {
        say("The export failed: " + error.message + ". Try again.");
      }
    });
  }
})();
