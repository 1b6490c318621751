// What can be told of a file before a byte of it is sent. The server looks at everything again.

const SIGNATURES = { entry: 0x02014b50, end: 0x06054b50 };
const END_BYTES = 22;
const LONGEST_COMMENT = 65535;
const LARGEST_DIRECTORY = 32 * 1024 ** 2;
const ENCRYPTED = 1;
const TEXTS = /\.(txt|tsv)$/i;

export function sizeWords(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = bytes;
  while (size >= 1000 && units.length > 1) { size /= 1000; units.shift(); }
  return `${units[0] === "B" ? size : size.toFixed(1)} ${units[0]}`;
}

export const takes = (kind, name) => kind.endings.some((ending) => name.toLowerCase().endsWith(ending));

/**
 * @param {File} file
 * @param {{label: string, value: string, endings: string[], limit: number}} kind
 * @returns {Promise<{error?: string, said?: string}>} Why it would be refused, or what is in it where that is cheap.
 */
export async function check(file, kind) {
  if (!takes(kind, file.name)) return { error: `${kind.label} takes ${kind.endings.join(", ")}.` };
  if (file.size === 0) return { error: "The file is empty." };
  if (file.size > kind.limit) return { error: `It is larger than ${sizeWords(kind.limit)}, the most for ${kind.label}. Split it.` };
  if (!file.name.toLowerCase().endsWith(".zip")) return {};
  const found = await directory(file);
  if (found === undefined) return { error: "It is no zip archive, or it was cut short. Zip the files again." };
  return found === null ? {} : holds(found, kind);
}

function holds({ names, isEncrypted }, kind) {
  const texts = names.filter((name) => TEXTS.test(name));
  const recordings = names.length - texts.length;
  if (isEncrypted) return { error: "The zip is encrypted. Zip the files without a password." };
  if (recordings === 0) return { error: "The zip holds no recordings." };
  if (kind.value === "Acoustic" && texts.length === 0)
    return { error: "The zip holds no transcript. Add trans.txt with a line per recording, or choose the kind Audio." };
  return { said: `${recordings} ${recordings === 1 ? "recording" : "recordings"}${texts.length ? ` and ${texts.map((one) => one.split("/").pop()).slice(0, 3).join(", ")}` : ""}` };
}

/** The names in a zip; null where it is too large to look into, undefined where it is no zip. */
async function directory(file) {
  const tail = await view(file, Math.max(0, file.size - END_BYTES - LONGEST_COMMENT), file.size);
  let at = tail.byteLength - END_BYTES;
  while (at >= 0 && tail.getUint32(at, true) !== SIGNATURES.end) at -= 1;
  if (at < 0) return undefined;
  const [size, start] = [tail.getUint32(at + 12, true), tail.getUint32(at + 16, true)];
  if (start === 0xffffffff || size > LARGEST_DIRECTORY) return null; // zip64, or very many files
  const entries = await view(file, start, start + size);
  const names = [];
  let isEncrypted = false;
  for (let place = 0; place + 46 <= entries.byteLength && entries.getUint32(place, true) === SIGNATURES.entry;) {
    const [nameBytes, extra, comment] = [28, 30, 32].map((one) => entries.getUint16(place + one, true));
    const name = new TextDecoder().decode(new Uint8Array(entries.buffer, place + 46, Math.min(nameBytes, entries.byteLength - place - 46)));
    if (!/\/$|(^|\/)(\.|__MACOSX)/.test(name)) {
      names.push(name);
      isEncrypted ||= (entries.getUint16(place + 8, true) & ENCRYPTED) !== 0;
    }
    place += 46 + nameBytes + extra + comment;
  }
  return { names, isEncrypted };
}

const view = async (file, start, end) => new DataView(await file.slice(start, end).arrayBuffer());
