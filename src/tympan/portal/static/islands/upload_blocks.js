// One file on its way to the server: in blocks, over the public API, going on where it stopped.

const API = "/speechtotext/v3.2/datasets";
const LARGEST_BLOCK_BYTES = 8 * 1024 ** 2;
const MOST_BLOCKS = 10000;
const PAUSES_S = [1, 2, 4, 8, 16, 30];
const AWAY = [0, 408, 429, 500, 502, 503, 504]; // answers after which the same may work later
const TOKEN_LIFE_MS = 8 * 60 * 1000; // the server's is ten minutes
const SAMPLE_BYTES = 64 * 1024;

class Halted extends Error {}

/** Access tokens for the public API, fetched with the session's form token and kept while they live. */
export class Tokens {
  constructor(path, formToken) { Object.assign(this, { path, formToken, token: null, madeAt: 0 }); }

  async get() {
    if (this.token && performance.now() - this.madeAt < TOKEN_LIFE_MS) return this.token;
    const answer = await fetch(this.path, { method: "POST", body: new URLSearchParams({ token: this.formToken }) });
    if (answer.redirected || answer.status === 403) throw new Refusal("Your session has ended. Sign in again; then resume.");
    if (!answer.ok) throw new Error(`no token: ${answer.status}`);
    [this.token, this.madeAt] = [await answer.text(), performance.now()];
    return this.token;
  }

  drop() { this.token = null; }
}

/** Something the server or the browser will refuse again. */
class Refusal extends Error {}

/** Uploads that were begun and are not finished, remembered over reloads where the browser allows it. */
export const unfinished = {
  store: (() => { try { return localStorage; } catch { return null; } })(),
  all(project) {
    const start = `tympan upload ${project} `;
    return Object.keys(this.store ?? {}).filter((key) => key.startsWith(start)).map((key) => ({ key, ...this.get(key) }));
  },
  get(key) { return JSON.parse(this.store?.getItem(key) ?? null); },
  keep(key, record) {
    // A full store costs only the memory over a reload.
    try { this.store?.setItem(key, JSON.stringify(record)); } catch { console.warn("This upload cannot be remembered."); }
  },
  forget(key) { this.store?.removeItem(key); },
};

/** What tells a file from others without reading it whole: name, size, date, and a hash of three places in it. */
export async function keyOf(file, project) {
  let hash = 0x811c9dc5; // FNV-1a
  for (const start of [0, Math.floor(file.size / 2), Math.max(0, file.size - SAMPLE_BYTES)])
    for (const byte of new Uint8Array(await file.slice(start, start + SAMPLE_BYTES).arrayBuffer()))
      hash = Math.imul(hash ^ byte, 0x01000193);
  const print = (hash >>> 0).toString(16).padStart(8, "0");
  return { print, key: `tympan upload ${project} ${JSON.stringify([file.name, file.size, file.lastModified, print])}` };
}

export class BlockUpload {
  #isHalted = false;
  #request = null;
  #wake = null;
  #running = Promise.resolve();

  /**
   * @param {{file: File, key: string, print: string, members: object, blockBytes: number, tokens: Tokens, tell: (upload: BlockUpload) => void}} options
   *   `members` are those of the dataset, `blockBytes` what a broken connection costs; `tell` hears of each change of `state`, `said` and `sent`.
   *   States: queued, sending, waiting, paused, failed, done.
   */
  constructor(options) {
    Object.assign(this, options, { state: "queued", said: "", sent: 0, id: unfinished.get(options.key)?.id ?? null });
    while (this.blockBytes * MOST_BLOCKS < this.file.size && this.blockBytes * 2 <= LARGEST_BLOCK_BYTES) this.blockBytes *= 2;
  }

  get isActive() { return ["sending", "waiting"].includes(this.state); }

  /** Begins, or goes on; asks the server what it has, so nothing is sent twice. */
  run() {
    this.#now("sending");
    // One that was halted a moment ago may still be on its way out.
    this.#running = this.#running.then(() => this.#attempt());
    return this.#running;
  }

  pause() {
    this.#isHalted = true;
    this.#request?.abort();
    this.#wake?.();
    this.#now("paused");
  }

  /** Tries again now instead of later. */
  hurry() { this.#wake?.(); }

  /** Gives up what was sent; the server forgets it. */
  async discard() {
    this.pause();
    await this.#running;
    if (this.id) {
      const answer = await this.#once("DELETE", `/${this.id}`);
      if (answer.status >= 400 && answer.status !== 404) throw new Refusal(messageOf(answer));
    }
    unfinished.forget(this.key);
  }

  async #attempt() {
    this.#isHalted = false;
    this.#now("sending");
    try {
      const there = await this.#begin();
      if (there) await this.#sendMissing(there);
      unfinished.forget(this.key);
      this.sent = this.file.size;
      this.#now("done");
    } catch (error) {
      if (error instanceof Halted) this.#now("paused");
      else this.#now("failed", error.name === "NotReadableError" ? "The file has changed or is gone. Choose it again." : error.message);
    }
  }

  /** The blocks that are there, by name; null when the server has the whole file already. */
  async #begin() {
    if (this.id) {
      const answer = await this.#call("GET", `/${this.id}`);
      const dataset = answer.status === 200 ? JSON.parse(answer.text) : null;
      if (dataset?.status === "NotStarted" && !dataset.tympan?.job) return this.#there();
      if (dataset && dataset.status !== "Failed") return null; // only the answer to the commit was lost
      unfinished.forget(this.key); // deleted, or given up for its age: begin anew
    }
    const answer = await this.#call("POST", "", { json: this.members });
    if (answer.status !== 201) throw new Refusal(messageOf(answer));
    this.id = JSON.parse(answer.text).self.split("/").pop();
    this.#remember();
    return new Map();
  }

  async #there() {
    const answer = await this.#call("GET", `/${this.id}/blocks`);
    if (answer.status !== 200) throw new Refusal(messageOf(answer));
    return new Map(JSON.parse(answer.text).uncommittedBlocks.map(({ name, size }) => [name, size]));
  }

  async #sendMissing(there) {
    const places = [...Array(Math.ceil(this.file.size / this.blockBytes)).keys()];
    const names = places.map((place) => this.#name(place));
    const span = (place) => [place * this.blockBytes, Math.min((place + 1) * this.blockBytes, this.file.size)];
    const missing = places.filter((place) => there.get(names[place]) !== span(place)[1] - span(place)[0]);
    this.sent = this.file.size - missing.reduce((sum, place) => sum + span(place)[1] - span(place)[0], 0);
    for (const place of missing) {
      const [start, end] = span(place);
      const before = this.sent;
      const body = this.file.slice(start, end); // read by the browser as it goes out
      const onProgress = (bytes) => { this.sent = before + Math.min(bytes, end - start); this.tell(this); };
      const answer = await this.#call("PUT", `/${this.id}/blocks?blockid=${encodeURIComponent(names[place])}`, { body, onProgress });
      if (answer.status === 404) unfinished.forget(this.key);
      if (answer.status !== 201) throw new Refusal(messageOf(answer));
      this.sent = before + end - start;
      this.#remember();
      this.tell(this);
    }
    const answer = await this.#call("POST", `/${this.id}/blocks:commit`, { json: names.map((id) => ({ kind: "Latest", id })) });
    if (answer.status !== 200) throw new Refusal(messageOf(answer));
  }

  /** Place and fingerprint: the same block of the same file has the same name in any session. */
  #name(place) {
    const bytes = new DataView(new ArrayBuffer(8));
    bytes.setUint32(0, place);
    bytes.setUint32(4, parseInt(this.print, 16));
    return btoa(String.fromCharCode(...new Uint8Array(bytes.buffer)));
  }

  #remember() {
    const { displayName: name, kind } = this.members;
    unfinished.keep(this.key, { id: this.id, name, kind, file: this.file.name, size: this.file.size, sent: this.sent });
  }

  /** Asks until there is an answer that will not change by itself. */
  async #call(method, path, options = {}) {
    let strangers = 0;
    for (let tries = 0; ; tries += 1) {
      let answer;
      try {
        answer = await this.#once(method, path, options);
      } catch (error) {
        if (error instanceof Halted || error instanceof Refusal || error.name === "NotReadableError") throw error;
        answer = { status: 0, text: "", retryS: 0 };
      }
      if (answer.status === 401 && strangers++ === 0) { this.tokens.drop(); continue; }
      if (!AWAY.includes(answer.status)) {
        if (this.state === "waiting" || this.said) this.#now("sending");
        return answer;
      }
      await this.#wait(answer, tries);
    }
  }

  async #once(method, path, { body, json, onProgress } = {}) {
    await body?.slice(0, 1).arrayBuffer(); // a file that was changed or moved says so here, not as a broken connection
    const token = await this.tokens.get();
    if (this.#isHalted && method !== "DELETE") throw new Halted();
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      if (onProgress) this.#request = request; // all else is short, and what it does must be known
      request.open(method, API + path);
      request.setRequestHeader("Authorization", `Bearer ${token}`);
      request.setRequestHeader("Content-Type", json ? "application/json" : "application/octet-stream");
      if (onProgress) request.upload.onprogress = ({ loaded }) => onProgress(loaded);
      request.onload = () => resolve({ status: request.status, text: request.responseText, retryS: Number(request.getResponseHeader("Retry-After")) || 0 });
      request.onerror = () => reject(new Error("The connection broke."));
      request.onabort = () => reject(new Halted());
      request.send(json ? JSON.stringify(json) : body);
    });
  }

  async #wait(answer, tries) {
    if (this.#isHalted) throw new Halted();
    const seconds = answer.retryS || PAUSES_S[Math.min(tries, PAUSES_S.length - 1)];
    const why = answer.status === 0 ? "The connection broke." : messageOf(answer);
    if (answer.status === 429) this.#now("sending", `The server asks to wait ${seconds} s.`);
    else this.#now("waiting", `${why} Trying again in ${seconds} s.`);
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000);
      this.#wake = () => { clearTimeout(timer); resolve(); };
      addEventListener("online", this.#wake, { once: true });
    });
    removeEventListener("online", this.#wake);
    this.#wake = null;
    if (this.#isHalted) throw new Halted();
  }

  #now(state, said = "") {
    Object.assign(this, { state, said });
    this.tell(this);
  }
}

function messageOf({ status, text }) {
  try {
    return JSON.parse(text).message || `The server answered ${status}.`;
  } catch {
    return `The server answered ${status}.`; // a proxy's page, say
  }
}
