// Try it: one sound, one or two endpoints, over the protocol that every client speaks.
import { RATE_HZ, Speech } from "./usp.js";

const BLOCK = RATE_HZ / 10;
const FILE_PACE = 2; // times real time
const page = document.querySelector("[data-try]");
const form = page.querySelector("form");
const [start, stop, level, clipping, file] = ["start", "stop", "level", "clipping", "file"].map((id) => document.getElementById(id));
const told = document.getElementById("try-told");
let speeches = [];
let release = () => {};

const phrases = () => form.elements.phrases.value.split("\n").map((one) => one.trim()).filter(Boolean);

async function token() {
  const answer = await fetch(page.dataset.token, { method: "POST", body: new URLSearchParams({ token: form.elements.token.value }) });
  if (!answer.ok || answer.redirected) throw new Error("Your session has ended. Sign in again.");
  return answer.text();
}

function column(place, label) {
  const node = document.getElementById(place);
  const [heading, finals, partial, lag] = ["h3", ".finals", ".partial", ".lag"].map((one) => node.querySelector(one));
  node.hidden = false;
  heading.textContent = label;
  finals.textContent = partial.textContent = lag.textContent = "";
  return (kind, said) => {
    if (kind === "partial") partial.textContent = said.text;
    if (kind === "final") { finals.textContent += `${said.text} `; partial.textContent = ""; }
    if (kind === "failed") told.textContent = `${label}: ${said.text}`;
    if (said.lagS != null && said.lagS >= 0) lag.textContent = `${said.lagS.toFixed(1)} s behind`;
    if (kind === "closed" && speeches.every((one) => one.socket.readyState >= WebSocket.CLOSING)) finish();
  };
}

async function open() {
  told.textContent = "";
  const bearer = encodeURIComponent(`Bearer ${await token()}`);
  const host = location.origin.replace(/^http/, "ws");
  document.getElementById("second").hidden = true;
  const chosen = [["first", form.elements.first], ["second", form.elements.second]].filter(([, field]) => field.value);
  speeches = chosen.map(([place, field]) => new Speech({
    url: `${host}/speech/recognition/conversation/cognitiveservices/v1?cid=${field.value}&language=${encodeURIComponent(page.dataset.locale)}&format=simple&Authorization=${bearer}`,
    phrases: phrases(),
    tell: column(place, field.selectedOptions[0].textContent),
  }));
  start.disabled = true;
  stop.disabled = false;
}

function feed(block) {
  let peak = 0;
  const samples = Int16Array.from(block, (one) => {
    peak = Math.max(peak, Math.abs(one));
    return Math.max(-32768, Math.min(32767, Math.round(one * 32767)));
  });
  level.value = peak;
  clipping.hidden = peak < 0.99;
  speeches.forEach((one) => one.audio(samples));
}

function finish() {
  release();
  release = () => {};
  start.disabled = false;
  stop.disabled = true;
  level.value = 0;
}

async function listen() {
  if (!navigator.mediaDevices) throw new Error("Browsers give the microphone only to pages over https or on localhost.");
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
  const context = new AudioContext({ sampleRate: RATE_HZ });
  release = () => { stream.getTracks().forEach((track) => track.stop()); context.close(); };
  await context.audioWorklet.addModule(new URL("./capture.js", import.meta.url));
  await open();
  const capture = new AudioWorkletNode(context, "capture");
  capture.port.onmessage = ({ data }) => feed(data);
  context.createMediaStreamSource(stream).connect(capture);
}

async function play(recording) {
  const context = new OfflineAudioContext(1, 1, RATE_HZ);
  const samples = (await context.decodeAudioData(await recording.arrayBuffer())).getChannelData(0);
  let isReleased = false;
  release = () => { isReleased = true; };
  await open();
  for (let at = 0; at < samples.length && !isReleased; at += BLOCK) {
    feed(samples.subarray(at, at + BLOCK));
    await new Promise((done) => { setTimeout(done, 100 / FILE_PACE); });
  }
  if (!isReleased) speeches.forEach((one) => one.end());
}

async function attempt(work) {
  try {
    await work();
  } catch (error) {
    told.textContent = error.message;
    finish();
  }
}

start.addEventListener("click", () => attempt(() => (file.files[0] ? play(file.files[0]) : listen())));
stop.addEventListener("click", () => { release(); release = () => {}; speeches.forEach((one) => one.end()); });
form.elements.phrases.addEventListener("change", () => { if (start.disabled) speeches.forEach((one) => one.favour(phrases())); });
form.addEventListener("submit", (event) => event.preventDefault());
