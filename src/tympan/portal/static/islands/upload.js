// The upload form: files are chosen or dropped, looked at, and sent in blocks, each with its own progress.
import { renew } from "../app.js";
import { BlockUpload, Tokens, keyOf, unfinished } from "./upload_blocks.js";
import { check, sizeWords, takes } from "./upload_checks.js";

const AT_ONCE = 2;
const RENDER_MS = 200;
const form = document.querySelector("form[data-upload]");
const { project, locale } = form.dataset;
const blockBytes = Number(form.dataset.blockBytes);
const tokens = new Tokens(form.dataset.tokens, form.elements.token.value);
const { kind, file: input, name, description } = form.elements;
const [chosenList, told, list, section] = ["chosen", "upload-told", "upload-list", "uploads"].map((id) => document.getElementById(id));
const uploads = new Set();
const waitingFor = new Map(); // what an earlier visit began, by key
let chosen = [];
let doing = Promise.resolve();

const kinds = [...kind.options].map((one) => ({ value: one.value, label: one.textContent.trim(), endings: one.dataset.endings.split(" "), limit: Number(one.dataset.limit), hint: one.dataset.hint }));
const kindNow = () => kinds.find((one) => one.value === kind.value);
const stem = (file) => file.name.replace(/\.[^.]*$/, "") || file.name;

function element(tag, text, className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

function showHint() {
  const { hint, endings, limit } = kindNow();
  document.getElementById("kind-hint").textContent = `${hint} Takes ${endings.join(", ")}, up to ${sizeWords(limit)}.`;
}

/** Takes files over; those that an earlier visit began to send go on at once. */
async function choose(files) {
  told.textContent = "";
  const fresh = [];
  for (const file of files) {
    const { key } = await keyOf(file, project);
    const record = unfinished.get(key);
    if (record) await start(file, record);
    else fresh.push(file);
  }
  chosen = fresh;
  if (chosen.length) form.closest("details").open = true;
  if (chosen.length && !takes(kindNow(), chosen[0].name)) {
    kind.value = kinds.find((one) => takes(one, chosen[0].name))?.value ?? kind.value;
    showHint();
  }
  name.placeholder = chosen.length === 1 ? stem(chosen[0]) : "";
  name.disabled = chosen.length > 1;
  await look();
}

/** Lists what was chosen, with what can be told of it. */
async function look() {
  const found = await Promise.all(chosen.map((file) => check(file, kindNow())));
  chosenList.replaceChildren(...chosen.map((file, index) => {
    const line = element("li", "");
    const { error, said } = found[index];
    line.append(element("strong", file.name), ` ${sizeWords(file.size)}${said ? `, ${said}` : ""}`);
    if (error) line.append(element("span", ` ${error}`, "bad"));
    return line;
  }));
  return chosen.filter((_, index) => !found[index].error);
}

async function start(file, record = null) {
  const { key, print } = await keyOf(file, project);
  if ([...uploads].some((one) => one.key === key && one.state !== "done")) return;
  waitingFor.get(key)?.remove();
  const members = { kind: record?.kind ?? kind.value, displayName: record?.name ?? (name.value.trim() && !name.disabled ? name.value.trim() : stem(file)), locale, project: { self: project }, tympan: { sourceName: file.name } };
  if (!record && description.value.trim()) members.description = description.value.trim();
  const show = row(file.name);
  const upload = new BlockUpload({ file, key, print, members, blockBytes, tokens, tell: (one) => { show(one); if (one.state === "done") finished(); } });
  upload.sent = record?.sent ?? 0;
  uploads.add(upload);
  show(upload);
  pump();
}

/** Lets two files be sent at once; the rest wait for their turn. */
function pump() {
  for (const upload of uploads) {
    if ([...uploads].filter((one) => one.isActive).length >= AT_ONCE) return;
    if (upload.state === "queued") upload.run().finally(pump);
  }
}

function finished() { return renew([document.getElementById("datasets")]); }

/** What a button says; those who hear it are told the file too. */
function label(button, words, fileName) {
  button.textContent = words;
  button.setAttribute("aria-label", `${words} ${fileName}`);
}

/** A line of the list of uploads; the function it gives back writes the state of an upload into it. */
function row(fileName) {
  section.hidden = false;
  const line = document.getElementById("upload-item").content.firstElementChild.cloneNode(true);
  const [title, figures, state, bar, pause, resume, discard] = ["strong", ".amount", ".said", "progress", "[data-pause]", "[data-resume]", "[data-discard]"].map((one) => line.querySelector(one));
  title.textContent = fileName;
  label(pause, "Pause", fileName);
  label(discard, "Discard", fileName);
  bar.setAttribute("aria-label", fileName);
  list.append(line);
  const speed = { at: 0, sent: 0, drawnAt: 0, state: "" };
  return (upload) => {
    const now = performance.now();
    if (upload.state === speed.state && upload.state === "sending" && !upload.said && now - speed.drawnAt < RENDER_MS) return;
    if (upload.state !== speed.state) Object.assign(speed, { at: now, sent: upload.sent, state: upload.state });
    speed.drawnAt = now;
    bar.value = upload.file.size ? upload.sent / upload.file.size : 1;
    figures.textContent = amount(upload, (upload.sent - speed.sent) / Math.max(1, now - speed.at));
    say(state, upload);
    const isStopped = ["paused", "failed"].includes(upload.state);
    pause.hidden = isStopped || upload.state === "done";
    resume.hidden = !isStopped && upload.state !== "waiting";
    label(resume, upload.state === "waiting" ? "Try now" : "Resume", fileName);
    discard.hidden = upload.state === "done";
    pause.onclick = () => { upload.pause(); resume.hidden = false; resume.focus(); };
    resume.onclick = () => { if (upload.state === "waiting") upload.hurry(); else { upload.state = "queued"; pause.hidden = false; pause.focus(); pump(); } };
    discard.onclick = () => twice(discard, fileName, async () => { await upload.discard(); uploads.delete(upload); line.remove(); finished(); }, state);
  };
}

function amount({ sent, file, state }, bytesPerMs) {
  if (state === "done") return sizeWords(file.size);
  const share = file.size ? Math.floor((100 * sent) / file.size) : 100;
  const pace = state === "sending" && bytesPerMs > 0 ? `, ${sizeWords(bytesPerMs * 1000)}/s` : "";
  return `${sizeWords(sent)} of ${sizeWords(file.size)} (${share} %)${pace}`;
}

function say(place, upload) {
  const words = { queued: "Waits for its turn.", sending: upload.said, waiting: upload.said, paused: "Paused. What was sent is kept for a week.", failed: upload.said, done: "Uploaded; it is being checked." }[upload.state];
  if (place.textContent !== words) place.textContent = words;
  place.classList.toggle("bad", upload.state === "failed");
}

/** The first press asks, the second does it. */
function twice(button, fileName, act, place) {
  if (button.dataset.asked) { act().catch((error) => { place.textContent = error.message; }); return; }
  button.dataset.asked = "yes";
  label(button, "Discard for good?", fileName);
  setTimeout(() => { delete button.dataset.asked; label(button, "Discard", fileName); }, 4000);
}

/** What an earlier visit began: shown until its file is chosen again. */
function remind() {
  for (const record of unfinished.all(project)) {
    const show = row(record.file);
    const line = list.lastElementChild;
    const upload = new BlockUpload({ file: { name: record.file, size: record.size }, key: record.key, print: "0", members: {}, blockBytes, tokens, tell: () => {} });
    Object.assign(upload, { state: "paused", sent: record.sent });
    show(upload);
    line.querySelector(".said").textContent = "Unfinished. Choose the same file again and it goes on where it stopped.";
    const again = line.querySelector("[data-resume]");
    label(again, "Choose file", record.file);
    again.onclick = () => input.click();
    waitingFor.set(record.key, line);
  }
}

function drops() {
  const zone = form.querySelector(".drop");
  let depth = 0;
  const isFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragenter", (event) => { if (isFiles(event)) { depth += 1; zone.classList.add("over"); form.closest("details").open = true; } });
  addEventListener("dragleave", (event) => { if (isFiles(event) && --depth === 0) zone.classList.remove("over"); });
  addEventListener("dragover", (event) => { if (isFiles(event)) event.preventDefault(); });
  addEventListener("drop", (event) => {
    if (!isFiles(event)) return;
    event.preventDefault();
    depth = 0;
    zone.classList.remove("over");
    attempt(() => choose([...event.dataTransfer.files]));
  });
}

/** Does one thing after the other, so that what was chosen does not change while it is looked at. */
function attempt(work) {
  doing = doing.then(work).catch((error) => {
    told.textContent = `This cannot be read: ${error.message}`; // a folder, or a file that is gone
  });
}

async function submit() {
  if (!chosen.length) { told.textContent = "Choose a file first."; input.focus(); return; }
  const fine = await look();
  if (fine.length < chosen.length) { told.textContent = fine.length ? "Some files would be refused; remove them or choose another kind." : "Nothing was sent."; return; }
  for (const file of fine) await start(file);
  chosen = [];
  form.reset();
  name.disabled = false;
  name.placeholder = "";
  chosenList.replaceChildren();
  showHint();
  const details = form.closest("details");
  details.open = false;
  details.querySelector("summary").focus();
}

input.required = false;
input.multiple = true;
form.querySelector(".drop-words").hidden = false;
kind.addEventListener("change", () => { showHint(); attempt(look); });
input.addEventListener("change", () => attempt(() => choose([...input.files])));
form.addEventListener("submit", (event) => { event.preventDefault(); attempt(submit); });
addEventListener("beforeunload", (event) => { if ([...uploads].some((one) => one.isActive || one.state === "queued")) event.preventDefault(); });
showHint();
drops();
remind();
