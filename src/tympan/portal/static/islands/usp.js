// The speech protocol as any client speaks it: one connection, one turn after the other.

export const RATE_HZ = 16000;
const TICKS_PER_S = 1e7;

const newId = () => crypto.getRandomValues(new Uint8Array(16)).reduce((text, byte) => text + byte.toString(16).padStart(2, "0"), "");

/** A WAV header of unknown length: 16 kHz, mono, 16 bits. */
function waveHeader() {
  const view = new DataView(new ArrayBuffer(44));
  const text = (at, words) => [...words].forEach((letter, index) => view.setUint8(at + index, letter.charCodeAt(0)));
  text(0, "RIFF"); text(8, "WAVEfmt "); text(36, "data");
  view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true);
  view.setUint32(24, RATE_HZ, true); view.setUint32(28, 2 * RATE_HZ, true);
  view.setUint16(32, 2, true); view.setUint16(34, 16, true);
  return new Uint8Array(view.buffer);
}

export class Speech {
  /**
   * @param {{url: string, phrases: string[], tell: (kind: string, said: object) => void}} options
   *   `tell` hears "partial", "final", "closed" and "failed".
   */
  constructor({ url, phrases, tell }) {
    this.tell = tell;
    this.waiting = [];
    this.sentS = 0;
    this.isEnded = false;
    this.socket = new WebSocket(url);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => { this.waiting.forEach((one) => this.socket.send(one)); this.waiting = []; };
    this.socket.onmessage = ({ data }) => { if (typeof data === "string") this.#heard(data); };
    this.socket.onclose = ({ code, reason }) => {
      if (code !== 1000 && !this.isOver) this.tell("failed", { text: reason || `The connection was closed (${code}).` });
      this.tell("closed", {});
    };
    this.#message("speech.config", newId(), { context: { system: { name: "portal", version: "1" } } });
    this.#turn(phrases);
  }

  /** Sends 16-bit samples. */
  audio(samples) {
    this.sentS += samples.length / RATE_HZ;
    this.#audio(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
  }

  /** From here on other phrases are favoured: the turn ends and a new one begins on the same connection. */
  favour(phrases) {
    if (this.isEnded) return;
    this.#audio(new Uint8Array());
    this.#turn(phrases);
  }

  end() {
    if (this.isEnded) return;
    this.isEnded = true;
    this.#audio(new Uint8Array());
  }

  close() { this.isOver = true; this.socket.close(1000); }

  #turn(phrases) {
    this.turn = newId();
    this.sentS = 0;
    const Items = phrases.map((Text) => ({ Text }));
    const dgi = Items.length ? { Groups: [{ Type: "Generic", Items }] } : undefined;
    this.#message("speech.context", this.turn, { dgi, phraseDetection: { mode: "CONVERSATION" } });
    this.#audio(waveHeader());
  }

  #message(path, id, document) {
    const head = `Path: ${path}\r\nX-RequestId: ${id}\r\nX-Timestamp: ${new Date().toISOString()}\r\nContent-Type: application/json`;
    this.#send(`${head}\r\n\r\n${JSON.stringify(document)}`);
  }

  #audio(bytes) {
    const head = new TextEncoder().encode(
      `Path: audio\r\nX-RequestId: ${this.turn}\r\nX-Timestamp: ${new Date().toISOString()}\r\nContent-Type: audio/x-wav\r\n`);
    const message = new Uint8Array(2 + head.length + bytes.length);
    new DataView(message.buffer).setUint16(0, head.length);
    message.set(head, 2);
    message.set(bytes, 2 + head.length);
    this.#send(message);
  }

  #send(message) {
    if (this.socket.readyState === WebSocket.CONNECTING) this.waiting.push(message);
    else if (this.socket.readyState === WebSocket.OPEN) this.socket.send(message);
  }

  #heard(data) {
    const split = data.indexOf("\r\n\r\n");
    const head = data.slice(0, split);
    const path = /^path:\s*(\S+)/im.exec(head)?.[1].toLowerCase();
    const turn = /^x-requestid:\s*(\S+)/im.exec(head)?.[1];
    const said = JSON.parse(data.slice(split + 4) || "{}");
    // Times count from the start of a turn, so a lag is known for the running turn only.
    const lagS = turn === this.turn ? this.sentS - ((said.Offset ?? 0) + (said.Duration ?? 0)) / TICKS_PER_S : null;
    if (path === "speech.hypothesis") this.tell("partial", { text: said.Text, lagS });
    if (path === "speech.phrase" && said.RecognitionStatus === "Success")
      this.tell("final", { text: said.DisplayText ?? said.NBest?.[0]?.Display ?? "", lagS });
    if (path === "turn.end" && this.isEnded && turn === this.turn) this.close();
  }
}
