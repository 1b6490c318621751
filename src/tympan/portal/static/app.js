// Small behaviours of every page. Pages work without them, but for dialogs and copying.

/** Writes times in the reader's own zone; the server's words, in UTC, stay as a hint. */
function localTimes(within) {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  for (const time of within.querySelectorAll("time[datetime]")) {
    time.title = time.textContent;
    time.textContent = format.format(new Date(time.dateTime));
  }
}

/** Buttons that open a dialog, and dialogs whose form was refused, which open by themselves. */
function dialogs() {
  for (const button of document.querySelectorAll("button[data-opens]")) {
    button.hidden = false;
    button.addEventListener("click", () => document.getElementById(button.dataset.opens).showModal());
  }
  for (const button of document.querySelectorAll("button[data-closes]"))
    button.addEventListener("click", () => button.closest("dialog").close());
  document.querySelector("dialog[data-refused]")?.showModal();
}

/** Steps of a long form: one fieldset at a time; the form stays one form for the server. */
function wizards() {
  for (const form of document.querySelectorAll("form[data-wizard]")) {
    const steps = [...form.querySelectorAll("fieldset")];
    const [back, next, send] = ["back", "next", "send"].map((name) => form.querySelector(`[data-${name}]`));
    const show = (at) => {
      steps.forEach((step, index) => { step.hidden = index !== at; });
      back.hidden = at === 0;
      next.hidden = at === steps.length - 1;
      send.hidden = !next.hidden;
      form.dataset.at = at;
    };
    const move = (by) => {
      const at = Number(form.dataset.at);
      const fields = [...steps[at].querySelectorAll("input, select, textarea")];
      if (by > 0 && !fields.every((field) => field.reportValidity())) return;
      show(at + by);
      steps[at + by].querySelector("input, select, textarea")?.focus();
    };
    back.addEventListener("click", () => move(-1));
    next.addEventListener("click", () => move(1));
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.target.matches("button, textarea") || next.hidden) return;
      event.preventDefault();
      move(1);
    });
    show(0);
  }
}

/** Says something in a corner, and to screen readers, for a while. */
function tell(text) {
  const told = document.getElementById("told");
  told.textContent = text;
  setTimeout(() => { if (told.textContent === text) told.textContent = ""; }, 5000);
}

function copying() {
  for (const button of document.querySelectorAll("button[data-copies]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = document.getElementById(button.dataset.copies).textContent;
      try {
        await navigator.clipboard.writeText(text);
        tell("Copied");
      } catch {
        tell("The browser did not allow copying. Select the text and copy it.");
      }
    });
  }
}

/** Tabs within a page: arrow keys move, one panel is seen. Without scripts all are seen. */
function tabs() {
  for (const list of document.querySelectorAll("[data-tabs]")) {
    list.hidden = false;
    const buttons = [...list.querySelectorAll("[role=tab]")];
    const choose = (chosen) => {
      for (const button of buttons) {
        const isChosen = button === chosen;
        button.setAttribute("aria-selected", String(isChosen));
        button.tabIndex = isChosen ? 0 : -1;
        document.getElementById(button.getAttribute("aria-controls")).hidden = !isChosen;
      }
    };
    list.addEventListener("click", (event) => { if (buttons.includes(event.target)) choose(event.target); });
    list.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const at = buttons.indexOf(event.target);
      if (!by || at < 0) return;
      const chosen = buttons[(at + by + buttons.length) % buttons.length];
      choose(chosen);
      chosen.focus();
    });
    choose(buttons[0]);
  }
}

const shown = new Map();
let next = 0;

function put(part, fresh) {
  const open = [...part.querySelectorAll("details[open]")].map((details) => details.id);
  if (part.dataset.state !== fresh.dataset.state) tell(fresh.dataset.state);
  part.replaceChildren(...fresh.childNodes);
  for (const id of open) if (id) document.getElementById(id)?.setAttribute("open", "");
  part.dataset.state = fresh.dataset.state;
  part.toggleAttribute("data-live", fresh.hasAttribute("data-live"));
  localTimes(part);
}

/** Asks for the page again and puts in place what differs in some of its parts. */
export async function renew(parts) {
  const answer = await fetch(location.href).catch(() => null); // a server that is away is asked again
  if (answer?.ok && !answer.redirected) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of parts) {
      const fresh = page.getElementById(part.id);
      const isInUse = part.contains(document.activeElement) || [...part.querySelectorAll("audio")].some((one) => !one.paused);
      if (!fresh || isInUse) continue;
      if (fresh.innerHTML === shown.get(part.id) && fresh.hasAttribute("data-live")) continue;
      shown.set(part.id, fresh.innerHTML);
      put(part, fresh);
    }
  }
  watch();
}

function watch() {
  const parts = document.querySelectorAll("[data-live]");
  clearTimeout(next);
  if (parts.length) next = setTimeout(() => (document.hidden ? watch() : renew(parts)), 2000);
}

/**
 * Parts of a page that change while work goes on: the page is asked for again, and what differs is
 * put in place. What the reader has opened stays open, and a part with the focus is left alone.
 */
function liveParts() {
  for (const part of document.querySelectorAll("[data-live]")) shown.set(part.id, part.innerHTML);
  watch();
}

liveParts();
localTimes(document);
dialogs();
wizards();
copying();
tabs();
