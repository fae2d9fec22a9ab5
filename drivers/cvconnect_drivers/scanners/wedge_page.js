// What a till in a browser hears of a keyboard scanner, handed to the driver in Python: `Wedge.page_events` of
// cvconnect_drivers.scanners.wedge, under the till's own server. No dependency.
//
//   import { listen } from "./wedge_page.js";
//   const scanner = listen({ send: "/scanner" });     // or a function of a batch
//   scanner.arm();                                    // a payment waits for its customer
//   scanner.disarm();
//   scanner.stop();
//
// While it is armed, no key that labels are made of reaches a field, a button or a shortcut of the page; Escape, F1 and the
// arrows do. While it is not, the page is left alone and nothing is kept or sent. Keys of an iframe are not heard.
//
// Sources: W3C UI Events (code, repeat, isComposing, getModifierState); W3C Input Events (beforeinput).

const LABEL_KEY =
  /^(Digit\d|Key[A-Z]|Numpad\w+|NumLock|(Shift|Control|Alt)(Left|Right)|CapsLock|Space|Enter|Tab|Minus|Equal|BracketLeft|BracketRight|Semicolon|Quote|Backquote|Backslash|Comma|Period|Slash|IntlBackslash|IntlRo|IntlYen|Unidentified|)$/;
const END_KEY = /^(Enter|NumpadEnter|Tab)$/;
const TYPING = /^insert(Text|CompositionText|LineBreak|Paragraph|FromComposition)$/;

// Bounds: what waits for a server that does not answer, and what one request carries.
const MAX_WAITING = 4096;
const MAX_BATCH = 512;

/**
 * Begin to listen.
 * @param {object} options
 * @param {string|function(object): (Promise|void)} options.send A URL that batches are posted to, or a function that takes
 *   them; it is called again when the promise that it gave is kept.
 * @param {number} [options.idleGapMs] The pause that ends a label, as `idle_gap_ms` in the station file.
 * @param {number} [options.settleMs] How long after a label a second read of it is still swallowed.
 * @param {number} [options.batchMs] How long events are gathered before they are sent; the end of a label is sent at once.
 * @param {number} [options.timeoutMs] How long an answer is waited for.
 * @param {function(Error): void} [options.onError] Told when a batch did not arrive.
 * @param {Window} [options.target] The window to listen to.
 */
export function listen({
  send,
  idleGapMs = 300,
  settleMs = 800,
  batchMs = 20,
  timeoutMs = 5000,
  onError = () => {},
  target = window,
}) {
  const deliver = typeof send === "function" ? send : (batch) => post(send, batch, timeoutMs);
  const page = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}`;
  const held = new Map(); // code -> whether its press was swallowed
  let armed = false;
  let straddles = false; // a label had begun when we were armed: its rest is swallowed and goes nowhere
  let heardAt = -Infinity; // the last key of what is in the middle, whoever got it
  let runAt = -Infinity; // the same, of what was swallowed
  let endedAt = -Infinity;
  let waiting = [];
  let number = 0;
  let timer = null;
  let sending = false;

  const swallows = (now) => armed || now - runAt < idleGapMs || now - endedAt < settleMs;

  function keep(event) {
    if (waiting.length >= MAX_WAITING) waiting = [{ lost: true, ms: event.ms }];
    else waiting.push(event);
  }

  function flush() {
    clearTimeout(timer);
    timer = null;
    if (sending || waiting.length === 0) return;
    const events = waiting.splice(0, MAX_BATCH);
    sending = true;
    Promise.resolve()
      .then(() => deliver({ page, batch: number++, events }))
      .catch((error) => {
        // Never sent again: a label that comes late is another customer's. The next batch's number tells that one is missing.
        onError(error instanceof Error ? error : new Error("not sent"));
      })
      .finally(() => {
        sending = false;
        if (waiting.length > 0) flush();
      });
  }

  function soon(atOnce) {
    if (atOnce) flush();
    else if (timer === null) timer = setTimeout(flush, batchMs);
  }

  function stopHere(event) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  function onKey(event) {
    if (!event.isTrusted) return; // a script's, no keyboard's
    const now = event.timeStamp;
    const down = event.type === "keydown";
    const code = event.code;
    if (!down) {
      const swallowed = held.get(code);
      held.delete(code);
      if (!swallowed && !(swallowed === undefined && armed && now - heardAt < idleGapMs)) return;
      if (swallowed) stopHere(event);
      if (!straddles) hand(event, false);
      return;
    }
    if (event.repeat) {
      if (held.get(code)) stopHere(event);
      return;
    }
    const inRun = now - heardAt < idleGapMs;
    if (!inRun) straddles = false;
    if (!LABEL_KEY.test(code) && !inRun) {
      held.set(code, false);
      return;
    }
    const swallow = swallows(now);
    const ends = END_KEY.test(code);
    held.set(code, swallow);
    heardAt = ends ? -Infinity : now;
    if (!swallow) return;
    stopHere(event);
    runAt = heardAt;
    if (ends && armed) endedAt = now;
    if (straddles) {
      if (ends) straddles = false;
      return;
    }
    // An input method may have taken the key: it is a place on the keyboard all the same, but a composed one is two.
    if (event.isComposing) lose(now);
    hand(event, true);
    soon(ends);
  }

  function hand(event, down) {
    const isLock = event.code === "CapsLock" || event.code === "NumLock";
    keep({
      code: event.code || "Unidentified",
      down,
      ms: event.timeStamp,
      repeat: false,
      ...(isLock
        ? {}
        : { caps: event.getModifierState("CapsLock"), num: event.getModifierState("NumLock") }),
    });
    soon(false);
  }

  // What an input method or a keyboard on the screen would write although its keys were swallowed.
  function onInput(event) {
    if (swallows(event.timeStamp) && TYPING.test(event.inputType)) stopHere(event);
  }

  function onComposition(event) {
    // A composition cannot be refused, but it ends where the focus goes.
    if (swallows(event.timeStamp)) event.target?.blur?.();
  }

  function lose(now) {
    const matters = armed || held.size > 0 || waiting.length > 0;
    held.clear();
    if (matters) {
      keep({ lost: true, ms: now });
      soon(false);
    }
  }

  function onFocus(event) {
    if (event.target === target) lose(event.timeStamp);
  }

  function setArmed(wanted) {
    if (wanted && !armed) {
      straddles = performance.now() - heardAt < idleGapMs;
      // What the server has not taken yet was for the customer before.
      if (waiting.length > 0) waiting = [{ lost: true, ms: performance.now() }];
    }
    armed = wanted;
  }

  const listeners = [
    ["keydown", onKey],
    ["keyup", onKey],
    ["beforeinput", onInput],
    ["compositionstart", onComposition],
    ["focus", onFocus],
    ["blur", onFocus],
  ];
  for (const [name, listener] of listeners) target.addEventListener(name, listener, { capture: true });

  return {
    /** Swallow from now on, and send: a label is wanted. */
    arm: () => setArmed(true),
    /** Leave the page alone. */
    disarm: () => setArmed(false),
    /** Whether a label is wanted. */
    get armed() {
      return armed;
    },
    /** Listen no more, and forget what was not sent. */
    stop() {
      for (const [name, listener] of listeners) target.removeEventListener(name, listener, { capture: true });
      clearTimeout(timer);
      armed = false;
      waiting = [];
    },
  };
}

async function post(url, batch, timeoutMs) {
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), timeoutMs);
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(batch),
      cache: "no-store",
      signal: giveUp.signal,
    });
    if (!answer.ok) throw new Error(`the till's server answered ${answer.status}`);
  } finally {
    clearTimeout(timer);
  }
}
