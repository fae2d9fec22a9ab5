// The customer's screen. It shows the newest prompt that the till sent, hides a QR at its end, drops it when the till is no
// more heard, looks for the till again, and tells it what it has really painted.

const LOST_AFTER_MS = 6000; // the till says every 2 s that it is there
const LISTEN_AGAIN_MS = 3000;
const MIN_MODULE_PX = 3;
const NO_QR = "Le QR code ne peut pas être affiché ici.\u00a0/ The QR code cannot be shown here.";
const ENDED = "Ce QR code n’est plus valable.\u00a0/ This QR code has expired.";
const SMALLEST_PERCENT = 30;
const WORDS = ["title", "amount", "instruction", "detail", "shop", "basket_ref", "expires_text", "notice"];
const MARKS = {
  paid: "M29 53 44 67 72 36",
  partial: "M50 26V56M50 73.5V73.6",
  check: "M50 26V56M50 73.5V73.6",
  refused: "M34 34 66 66M66 34 34 66",
  cancelled: "M34 34 66 66M66 34 34 66",
  expired: "M50 24V52L67 62",
};

const at = Object.fromEntries([...document.querySelectorAll("[id]")].map((element) => [element.id, element]));
let view = { state: "connecting" };
let number = null;
let page = null; // how the till calls this page
let heard = performance.now();
let endsAt = Infinity;
let lost = false;
let stream = null;
let listened = 0;

function unbroken(words) {
  return words.replaceAll("Chèque-Vacances", "Chèque\u2011Vacances"); // a name is not torn at its hyphen
}

function side() {
  // The pixels of this screen that a QR may have on a side.
  const box = at.card.getBoundingClientRect();
  const edge = parseFloat(getComputedStyle(at.card).paddingLeft) * 2 + 2;
  return (Math.min(box.width, box.height) - edge) * devicePixelRatio;
}

function drawn() {
  // The modules, each a whole number of this screen's pixels; false when the QR would be too small to scan.
  if (view.picture) return side() >= view.picture_px;
  const rows = view.qr;
  const pixels = Math.floor(side() / rows.length);
  if (pixels < MIN_MODULE_PX) return false;
  const length = rows.length * pixels;
  at.code.width = at.code.height = length;
  at.code.style.width = at.code.style.height = `${length / devicePixelRatio}px`;
  const brush = at.code.getContext("2d", { alpha: false });
  brush.fillStyle = "#fff";
  brush.fillRect(0, 0, length, length);
  brush.fillStyle = "#000";
  rows.forEach((row, y) => {
    for (let x = row.indexOf("1"); x >= 0; x = row.indexOf("1", x + 1)) brush.fillRect(x * pixels, y * pixels, pixels, pixels);
  });
  return true;
}

function fit(words) {
  // Long texts are set smaller until nothing of them is cut.
  for (let percent = 100; percent >= SMALLEST_PERCENT; percent -= 5) {
    words.style.fontSize = `${percent}%`;
    if (words.scrollHeight <= words.clientHeight + 1 && words.scrollWidth <= words.clientWidth) return;
  }
}

function paint() {
  // All of the screen; tells whether the customer sees a QR.
  const hasCode = Boolean(view.qr || view.picture);
  const ended = performance.now() >= endsAt;
  document.body.dataset.state = view.state;
  document.documentElement.lang = view.language ?? "fr"; // a screen reader speaks it
  for (const name of WORDS) at[name].textContent = unbroken(view[name] ?? "");
  if (view.state === "idle" && !view.instruction) [at.instruction.textContent, at.shop.textContent] = [at.shop.textContent, ""];
  at.notice.hidden = !view.notice;
  at.title.textContent ||= "Chèque\u2011Vacances Connect";
  const mark = MARKS[view.state];
  at.mark.toggleAttribute("hidden", !mark);
  if (mark) at.mark.querySelector("path").setAttribute("d", mark);
  at.lost.hidden = !lost;
  at.words.hidden = lost || view.state === "blank" || view.state === "connecting";
  at.card.hidden = lost || ended || !hasCode;
  at.code.hidden = !view.qr;
  at.picture.hidden = !view.picture;
  if (hasCode && ended) at.instruction.textContent = ENDED;
  if (!at.card.hidden && !drawn()) {
    at.card.hidden = true;
    at.instruction.textContent = NO_QR;
  }
  if (at.card.hidden) at.code.width = at.code.height = 0; // nothing of a QR is left
  if (at.card.hidden || !view.picture) at.picture.removeAttribute("src");
  else if (at.picture.src !== view.picture) at.picture.src = view.picture;
  fit(at.words);
  return at.card.hidden ? "text" : "qr";
}

async function painted(surface) {
  // Two frames later it is on the glass; a tab that nobody sees has no frames.
  const told = number;
  if (surface === "qr" && view.picture) surface = await at.picture.decode().then(() => "qr", () => "text");
  requestAnimationFrame(() => requestAnimationFrame(() => {
    if (told === number) fetch(`painted?number=${told}&page=${page}&surface=${surface}`, { method: "POST" }).catch(() => {});
  }));
}

function listen() {
  // One connection at a time: the word of one that was given up counts no more.
  stream?.close();
  listened = performance.now();
  stream = new EventSource("events");
  stream.addEventListener("prompt", (event) => {
    heard = performance.now();
    const news = JSON.parse(event.data);
    ({ view, page } = news);
    number = event.lastEventId;
    endsAt = news.left_ms === null ? Infinity : heard + news.left_ms;
    lost = false;
    painted(paint());
  });
  stream.addEventListener("alive", () => { heard = performance.now(); });
}

function lose() {
  // What the till said is forgotten: only a new prompt, the first word of every connection, brings anything back.
  lost = true;
  view = { state: "connecting" };
  number = page = null;
  endsAt = Infinity;
  paint();
}

setInterval(() => {
  const now = performance.now();
  const ended = !at.card.hidden && now >= endsAt;
  if (!lost && now - heard > LOST_AFTER_MS) lose();
  else if (ended) paint();
  // The browser takes a connection for open that the other side has long forgotten, and gives up one that was refused.
  const idle = lost || stream.readyState === EventSource.CLOSED;
  if (idle && now - listened > LISTEN_AGAIN_MS) listen();
}, 250);
new ResizeObserver(() => paint()).observe(document.body);
const stayAwake = () => { navigator.wakeLock?.request("screen").catch(() => {}); };
document.addEventListener("visibilitychange", () => { if (!document.hidden) stayAwake(); });
stayAwake();
listen();
