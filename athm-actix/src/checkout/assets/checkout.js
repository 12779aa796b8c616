// The checkout's page without reloads: posts its forms, shows what changes, counts down. Without it, the forms post and
// the page reloads itself.
(() => {
  'use strict';
  const POLL = 2000;
  const parser = new DOMParser();

  function start(root) {
    const status = root.querySelector('[data-status]');
    const part = () => root.querySelector('[data-part]');
    let busy = false, events = null, polling = 0, ahead = 0;

    // What couldn't be done, above the form.
    function warn(text) {
      const alert = part().querySelector('.athm-alert') || document.createElement('p');
      alert.className = 'athm-alert';
      alert.setAttribute('role', 'alert');
      if (!alert.parentNode) (part().querySelector('form') || part().lastElementChild).before(alert);
      alert.textContent = text;
    }

    // The server renders each state; this puts it in the place of the one before.
    function show(html, always) {
      const page = parser.parseFromString(html, 'text/html'), next = page.querySelector('[data-part]');
      if (!next) return warn(page.querySelector('[data-problem]')?.textContent || root.dataset.offline);
      const last = part(), focused = last.contains(document.activeElement);
      const changed = last.dataset.state !== next.dataset.state;
      const failed = next.querySelector('[role=alert]:not(:empty)');
      // What is being typed stays, as long as the state does.
      if (!always && last.dataset.version === next.dataset.version) return;
      last.replaceWith(next);
      if (failed) {
        next.querySelector('[aria-invalid]')?.focus();
      } else if (changed) {
        status.textContent = next.dataset.say;
        if (focused || document.activeElement === document.body) next.querySelector('[data-focus]')?.focus();
      }
      settle();
    }

    async function load() {
      try {
        const answer = await fetch(root.dataset.view, { headers: { 'Athm-View': 'part' }, cache: 'no-store' });
        if (answer.ok) show(await answer.text());
      } catch {
        status.textContent = root.dataset.offline;
      }
    }

    async function post(form) {
      if (busy) return;
      busy = true;
      root.setAttribute('aria-busy', 'true');
      try {
        const body = new URLSearchParams(new FormData(form));
        const answer = await fetch(form.action, { method: 'POST', body, headers: { 'Athm-View': 'part' } });
        show(await answer.text(), true);
      } catch {
        warn(root.dataset.offline);
      }
      busy = false;
      root.removeAttribute('aria-busy');
    }

    // Listens while the customer is asked to approve, and falls back to asking.
    function settle() {
      ahead = Number(part().dataset.now) - Date.now() || 0;
      const waits = 'live' in part().dataset;
      if (!waits) {
        events?.close();
        clearInterval(polling);
        events = null;
        polling = 0;
      } else if (!events && !polling) {
        if (!window.EventSource) return poll();
        events = new EventSource(root.dataset.events);
        events.onmessage = (event) => { if (event.data !== part().dataset.version) load(); };
        events.onerror = () => { if (events?.readyState === EventSource.CLOSED) poll(); };
      }
      tick();
    }

    function poll() {
      events?.close();
      events = null;
      clearInterval(polling);
      polling = setInterval(load, POLL);
    }

    function tick() {
      const { deadline, span } = part().dataset;
      const left = part().querySelector('[data-left]'), ring = part().querySelector('[data-ring]');
      if (!left || !ring) return;
      const seconds = Math.max(0, Math.round((deadline - Date.now() - ahead) / 1000));
      left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
      ring.style.strokeDashoffset = 100 - (100 * seconds) / span;
    }

    root.addEventListener('submit', (event) => {
      event.preventDefault();
      const form = event.target, phone = form.elements.phone;
      const digits = phone?.value.replace(/\D/g, '').replace(/^1(?=\d{10}$)/, '');
      if (phone && digits.length !== 10) {
        const error = form.querySelector('[data-error]');
        error.textContent = form.dataset.invalid;
        phone.setAttribute('aria-invalid', 'true');
        phone.focus();
        return;
      }
      post(form);
    });

    // (787) 555-0199 as it is typed, unless the customer corrects something in the middle.
    root.addEventListener('input', ({ target }) => {
      if (target.name !== 'phone') return;
      target.removeAttribute('aria-invalid');
      target.form.querySelector('[data-error]').textContent = '';
      const digits = target.value.replace(/\D/g, '');
      if (target.selectionStart !== target.value.length || digits.length > 10 || digits.length < 4) return;
      if (/[)\s-]$/.test(target.value)) return;
      const [area, office, line] = [digits.slice(0, 3), digits.slice(3, 6), digits.slice(6)];
      target.value = `(${area}) ${office}` + (line && `-${line}`);
    });

    setInterval(tick, 1000);
    // Another tab, or the app on the same phone, may have paid meanwhile.
    addEventListener('pageshow', (event) => { if (event.persisted) load(); });
    document.addEventListener('visibilitychange', () => { if (!document.hidden && !busy) load(); });
    settle();
  }

  document.querySelectorAll('[data-athm]').forEach(start);
})();
