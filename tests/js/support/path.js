/** Does `act` while programs are looked for in `path` only. */
export function withPath(path, act) {
  const kept = process.env.PATH;
  process.env.PATH = path;
  try {
    return act();
  } finally {
    process.env.PATH = kept;
  }
}
