// Runs beside the page: hands the microphone's samples on, a tenth of a second at a time.
class Capture extends AudioWorkletProcessor {
  constructor() { super(); this.block = new Float32Array(1600); this.filled = 0; }
  process([[channel]]) {
    for (const sample of channel ?? []) {
      this.block[this.filled++] = sample;
      if (this.filled === this.block.length) { this.port.postMessage(this.block.slice()); this.filled = 0; }
    }
    return true;
  }
}
registerProcessor("capture", Capture);
