// A stand-in for ATH Móvil's checkout script, for the simulator.
//
// Unlike the provider's script, which opens the payment itself, it shows a payment that the shop's server opened. On a
// page with <div id="ATHMovil_Checkout_Button_payment"> and a global ATHM_Checkout = { ecommerceId: "…" }, it asks the
// simulator once a second for the payment's state, and calls one of the page's functions authorizationATHM(result),
// cancelATHM(result) and expiredATHM(result), once; the result is the provider's { status, data }.
(() => {
  "use strict";

  const INTERVAL = 1000;
  const simulator = new URL(document.currentScript.src).origin;
  let notified = null;

  // The page may declare these with const or function, early or late: its names are looked up each time.
  const checkout = () => (typeof ATHM_Checkout === "undefined" ? null : ATHM_Checkout);
  const functions = {
    confirmed: () => (typeof authorizationATHM === "function" ? authorizationATHM : null),
    // The server may have authorized the payment already; the page is notified in the same way.
    completed: () => (typeof authorizationATHM === "function" ? authorizationATHM : null),
    cancelled: () => (typeof cancelATHM === "function" ? cancelATHM : null),
    expired: () => (typeof expiredATHM === "function" ? expiredATHM : null),
  };

  async function poll() {
    const box = document.getElementById("ATHMovil_Checkout_Button_payment");
    const id = checkout()?.ecommerceId;
    if (!box || !id || id === notified) return;
    show(box, id);

    const answer = await fetch(`${simulator}/simulator/payments/${encodeURIComponent(id)}`, { cache: "no-store" });
    if (!answer.ok) return;
    const { outcome, find } = await answer.json();
    const notify = functions[outcome]?.();
    if (notify && id !== notified) {
      notified = id;
      notify(find);
    }
  }

  function show(box, id) {
    const href = `${simulator}/#payment-${id}`;
    const link = box.querySelector("a[data-simulator]") ?? box.appendChild(button());
    if (link.href !== href) link.href = href;
  }

  function button() {
    const link = document.createElement("a");
    link.dataset.simulator = "";
    link.target = "_blank";
    link.rel = "noopener";
    link.textContent = "Open the simulated phone";
    Object.assign(link.style, {
      display: "inline-block",
      padding: "0.7em 1.4em",
      borderRadius: "0.6em",
      background: "#c2410c",
      color: "#fff",
      font: "600 1rem system-ui, sans-serif",
      textDecoration: "none",
    });
    return link;
  }

  async function run() {
    try {
      await poll();
    } catch (error) {
      // The simulator may be restarting, or the page's function failed: keep polling.
      console.error("simulated checkout:", error);
    }
    setTimeout(run, INTERVAL);
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", run);
  else run();
})();
