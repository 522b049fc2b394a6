// A directory as one file that every system unpacks: ustar, POSIX.1-1988.

const BLOCK = 512;

/**
 * @param {Map<string, Uint8Array>} files by their paths, of at most 100 bytes
 * @returns {Blob}
 */
export function tar(files) {
  const parts = [];
  for (const [path, bytes] of files) {
    parts.push(header(path, bytes.length), bytes, new Uint8Array((BLOCK - (bytes.length % BLOCK)) % BLOCK));
  }
  return new Blob([...parts, new Uint8Array(2 * BLOCK)]);
}

function header(path, length) {
  const block = new Uint8Array(BLOCK);
  const put = (offset, text) => block.set(new TextEncoder().encode(text), offset);
  const octal = (number, digits) => number.toString(8).padStart(digits, "0");
  put(0, path);
  put(100, "0000644\0");
  put(108, "0000000\0");
  put(116, "0000000\0");
  put(124, `${octal(length, 11)} `);
  put(136, `${octal(Math.floor(Date.now() / 1000), 11)} `);
  // The checksum is taken with spaces in its place.
  put(148, " ".repeat(8));
  put(156, "0");
  put(257, "ustar\u000000");
  put(148, `${octal(block.reduce((sum, byte) => sum + byte), 6)}\0 `);
  return block;
}
