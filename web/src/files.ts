// Decodes files of pages.

const DECLARED = /charset\s*=\s*["']?\s*([\w:.-]+)/i;
const SNIFFED = 1024; // bytes in which a declaration counts (HTML standard, section 13.2.3.2)
const BOMS: [string, number[]][] = [
  ["utf-8", [0xef, 0xbb, 0xbf]],
  ["utf-16le", [0xff, 0xfe]],
  ["utf-16be", [0xfe, 0xff]],
];

/** Returns a file's text: by its byte order mark, as UTF-8 where that is valid, as it declares, or as windows-1252. */
export async function decodeFile(file: Blob): Promise<string> {
  const body = new Uint8Array(await file.arrayBuffer());
  for (const [label, mark] of BOMS) {
    if (mark.every((byte, i) => body[i] === byte)) return new TextDecoder(label).decode(body);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    const start = new TextDecoder("windows-1252").decode(body.subarray(0, SNIFFED));
    const label = DECLARED.exec(start)?.[1] ?? "windows-1252";
    try {
      return new TextDecoder(label).decode(body);
    } catch {
      return new TextDecoder("windows-1252").decode(body); // the declared one is unknown
    }
  }
}
