// Runs in the page before its own scripts, and keeps what only the page can tell: times of a monotonic clock, in milliseconds since
// the navigation, each once the frame that shows it is drawn.
(() => {
  const measured = { start: null, ready: null, card: null, clicked: null, presses: [], longTasks: [] };
  window.measured = measured;
  const afterFrame = (then) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => then(performance.now());
    port2.postMessage(null);
  });
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) measured.longTasks.push(duration);
  }).observe({ type: "longtask", buffered: true });
  let pressed = null;
  addEventListener("keydown", ({ timeStamp }) => (pressed = timeStamp), true);
  addEventListener("click", ({ timeStamp }) => {
    measured.clicked = timeStamp;
    measured.card = null;
    // For the browser's trace, whose clock is another.
    performance.mark("click");
  }, true);
  let item = null;
  const look = () => {
    if (measured.start === null && document.querySelector("button.demo")) {
      measured.start = 0;
      afterFrame((now) => (measured.start = now));
    }
    if (measured.ready === null && measured.start !== null && !document.querySelector(".start [role=status]")) {
      measured.ready = 0;
      afterFrame((now) => (measured.ready = now));
    }
    const now = document.querySelector("[data-item]")?.dataset.item ?? null;
    if (now === item) return;
    item = now;
    if (item === null) return;
    const cause = pressed;
    pressed = null;
    afterFrame((now) => {
      measured.card ??= now;
      if (cause !== null) measured.presses.push(now - cause);
    });
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-item"] });
})();
