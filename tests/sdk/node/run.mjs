// Does the job on the first line of standard input, and prints what happens, an object a line.
//
// Beside what recognise.mjs reads, a job has either `file`, a WAV file, or `stream`: a file of bytes
// as a push stream takes them, `form` as the SDK names it, `rate_hz`, `bits`, `channels`, and
// perhaps `hold_at`: the bytes from there on wait for a second line of input.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { recognise } from "./recognise.mjs";

const sdk = createRequire(import.meta.url)(process.argv[2]);
const input = createInterface({ input: process.stdin });
const lines = input[Symbol.asyncIterator]();
const job = JSON.parse((await lines.next()).value);

function tell(event, what) {
  console.log(JSON.stringify({ event, ...what }));
}

function pushed({ stream }) {
  const format = sdk.AudioStreamFormat.getWaveFormat(
    stream.rate_hz,
    stream.bits,
    stream.channels,
    sdk.AudioFormatTag[stream.form],
  );
  const push = sdk.AudioInputStream.createPushStream(format);
  const bytes = Uint8Array.from(readFileSync(stream.file)).buffer;
  const hold_at = stream.hold_at ?? bytes.byteLength;
  push.write(bytes.slice(0, hold_at));
  const rest = stream.hold_at === undefined ? Promise.resolve() : lines.next();
  rest.then(() => {
    if (hold_at < bytes.byteLength) push.write(bytes.slice(hold_at));
    push.close();
  });
  return sdk.AudioConfig.fromStreamInput(push);
}

const audio = job.stream ? pushed(job) : sdk.AudioConfig.fromWavFileInput(readFileSync(job.file));
await recognise(sdk, job, audio, tell);
input.close();
