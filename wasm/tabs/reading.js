// The log as a tab reads it, beside a writer that may rotate it at any moment: what was read is
// believed only when the files are seen to be the same log still.

import { ARCHIVE, LOG, snapshotOf } from "../hosts/opfs-place.js";
import { call, free } from "../js/module.js";

const BATCH_LEN = 512 << 10;

/** How many streams hold memory at a time: a page may leave one without ending it. */
const MAX_OPEN = 8;

/** So often a file that does not change is tried again. */
const LOOKS = 10;

export class Reading {
  #glue;
  #files;
  #scans = new Map();
  #last = Promise.resolve();

  /** @param {import("../hosts/opfs.js").OpfsSourceFiles} files */
  constructor(glue, files) {
    this.#glue = glue;
    this.#files = files;
  }

  /**
   * The next lines of a stream, from `position` on; nothing when there are none yet. `after` is the
   * hash of the line that is to be before them, if it is known. `fresh` says that the numbers of
   * types start anew, as they do for a stream that was left for many others.
   */
  next(stream, position, after) {
    return this.#alone(async () => {
      const fresh = !this.#scans.has(stream);
      const scan = this.#scans.get(stream) ?? call(() => new this.#glue.RawScan(this.#files, position));
      // The one that was used last stands at the end.
      this.#scans.delete(stream);
      this.#scans.set(stream, scan);
      const [oldest] = this.#scans.keys();
      if (this.#scans.size > MAX_OPEN) this.#drop(oldest);
      let count;
      try {
        count = await this.#believed((again) => {
          if (again) scan.seek(position);
          return scan.next(BATCH_LEN, after);
        });
      } catch (error) {
        if (error.code === "corrupt") error.nextPosition = scan.position();
        throw error;
      }
      if (count === 0) return { fresh };
      const [bytes, places, spans] = [scan.bytes(), scan.places(), scan.spans()];
      const flaws = call(() => this.#glue.flaws(bytes, spans));
      return { fresh, bytes, places, spans, flaws, types: scan.newTypes(), hash: scan.hash() };
    });
  }

  drop(stream) {
    return this.#alone(() => this.#drop(stream));
  }

  #drop(stream) {
    free(this.#scans.get(stream));
    this.#scans.delete(stream);
  }

  /** The saved state of a view: its JSON, its position and the hash of the last line folded. */
  snapshot(view, version) {
    const load = () => this.#glue.loadSnapshot(this.#files, view, version);
    return this.#alone(() => this.#believed(load, [snapshotOf(view)]));
  }

  startOfLast(lines) {
    return this.#alone(async () => {
      // The end is that of now.
      await this.#files.refresh();
      return this.#believed(() => this.#glue.startOfLast(this.#files, lines));
    });
  }

  sizes() {
    return this.#alone(async () => {
      await this.#files.refresh();
      return {
        logBytes: this.#files.len(LOG),
        archiveBytes: this.#files.len(ARCHIVE),
      };
    });
  }

  /** One at a time: what the files are taken for is shared. */
  #alone(work) {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  /**
   * What `read` answers, once nothing changed under it. Nothing, and errors, of now only. `others`
   * are the files that it reads beside the log and its archive.
   */
  async #believed(read, others) {
    const files = this.#files;
    let unchanged = 0;
    for (let again = false; ; again = true) {
      let answer;
      let error;
      try {
        answer = call(() => read(again));
      } catch (thrown) {
        error = thrown;
      }
      const now = await files.stillCurrent();
      if (now && answer) return answer;
      if (now && again && !error) return answer;
      // Where a file is taken for each look, one that is appended to at that moment is unreadable.
      if (now && again && (error.code !== "storage" || unchanged > LOOKS)) throw error;
      unchanged = (await files.refresh(others)) ? 0 : unchanged + 1;
    }
  }
}
