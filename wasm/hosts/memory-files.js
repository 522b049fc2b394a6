// A log's files in memory, as growing byte arrays.

/** @returns {import("./host").Files} */
export function memoryFiles() {
  /** @type {Map<string, { buffer: Uint8Array, length: number }>} */
  const files = new Map();

  const open = (name) => {
    let file = files.get(name);
    if (!file) files.set(name, (file = { buffer: new Uint8Array(64), length: 0 }));
    return file;
  };

  return {
    close() {},

    len: (name) => files.get(name)?.length ?? 0,

    readAt(name, offset, into) {
      const file = files.get(name);
      if (!file) return 0;
      const end = Math.min(file.length, offset + into.length);
      const bytes = file.buffer.subarray(Math.min(offset, end), end);
      into.set(bytes);
      return bytes.length;
    },

    append(name, data) {
      const file = open(name);
      const length = file.length + data.length;
      if (length > file.buffer.length) {
        const grown = new Uint8Array(Math.max(length, 2 * file.buffer.length));
        grown.set(file.buffer.subarray(0, file.length));
        file.buffer = grown;
      }
      file.buffer.set(data, file.length);
      file.length = length;
    },

    truncate(name, length) {
      open(name).length = length;
    },

    sync() {},

    replace(name, data) {
      files.set(name, { buffer: data.slice(), length: data.length });
    },

    remove(name) {
      files.delete(name);
    },
  };
}
