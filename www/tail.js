// The last of the bytes that have gone by: the engine tells when requests came to the frame, and the last line tells it exactly.

/** As many bytes are kept at least, of which a line may be part. */
const KEPT = 131_072;

export class Tail {
  #pieces = [];
  #length = 0;

  /** @param {Uint8Array} bytes */
  take(bytes) {
    this.#pieces.push(bytes);
    this.#length += bytes.length;
    while (this.#length - this.#pieces[0].length >= KEPT) this.#length -= this.#pieces.shift().length;
  }

  /** The time of the last whole line, where there is one. @returns {number | undefined} */
  time() {
    const decoder = new TextDecoder();
    const text = this.#pieces.map((piece) => decoder.decode(piece, { stream: true })).join("");
    const line = text.split("\n").findLast((each) => timeOf(each) !== undefined);
    return line && timeOf(line);
  }
}

/** A line that is broken, or goes on beyond what there is of it, has none. */
function timeOf(line) {
  try {
    const { t } = JSON.parse(line);
    return Number.isFinite(t) ? t : undefined;
  } catch {
    return undefined;
  }
}
