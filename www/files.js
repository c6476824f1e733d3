// Reads a file of any size in small pieces, and unpacks it on the way.

/** At most so many bytes are read at once: gzip makes a thousand times as much of them, and that has to fit into memory too. */
const READ = 32_768;

/**
 * Whoever unpacks gives nothing of the piece in which the data is found to be damaged. So pieces are small at both ends of a file,
 * where all of a short one is; and the checksum, which comes last, is a piece by itself.
 */
const SMALL = 512;
const ENDS = 65_536;
const CHECKSUM = 8;

/** At most so many bytes are handed over at once. */
const PIECE = 131_072;

/** What is wrong with a file, and what to do. */
export class FileFault extends Error {
  /** @param {string} what - goes on after the file's name @param {string} advice */
  constructor(what, advice) {
    super(`${what}: ${advice}`);
    this.what = what;
    this.advice = advice;
  }
}

/**
 * The bytes of a file in order, unpacked, and how many bytes of the file have been read for them.
 * @param {File} file
 * @returns {AsyncGenerator<{bytes: Uint8Array, read: number}>}
 */
export async function* pieces(file) {
  if (file.size === 0) throw new FileFault("is empty", "choose the file that was to be written there");
  const state = { read: 0 };
  const packed = await isPacked(file);
  let stream = slowly(file, state, packed ? carefully : () => READ);
  if (packed) {
    if (typeof DecompressionStream !== "function") {
      throw new FileFault("is packed, and this browser cannot unpack it", "unpack it with gunzip, then choose what comes out");
    }
    stream = stream.pipeThrough(new DecompressionStream("gzip"));
  }
  const reader = stream.getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      for (let at = 0; at < value.length; at += PIECE) yield { bytes: value.subarray(at, at + PIECE), read: state.read };
    }
  } catch (error) {
    throw packed && !(error instanceof DOMException) ? gzipFault(error) : unreadable(error);
  } finally {
    // A stream that has failed is over already, and says so again.
    reader.cancel().catch(() => undefined);
  }
}

async function isPacked(file) {
  try {
    const [first, second] = new Uint8Array(await file.slice(0, 2).arrayBuffer());
    return first === 0x1f && second === 0x8b;
  } catch (error) {
    throw unreadable(error);
  }
}

/** A file's bytes as they are asked for, in pieces as long as is told. */
function slowly(file, state, lengthOf) {
  const reader = file.stream().getReader();
  let left = new Uint8Array(0);
  return new ReadableStream(
    {
      async pull(controller) {
        while (left.length === 0) {
          const { value, done } = await reader.read();
          if (done) return controller.close();
          left = value;
        }
        const length = lengthOf(state.read, file.size);
        const piece = left.subarray(0, length);
        left = left.subarray(length);
        state.read += piece.length;
        controller.enqueue(piece);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

/** How long the next piece of packed bytes is. */
function carefully(read, size) {
  const rest = size - read;
  const length = Math.min(read, rest) < ENDS ? SMALL : READ;
  return rest > CHECKSUM ? Math.min(length, rest - CHECKSUM) : rest;
}

/** Browsers word what is wrong with gzip each in their own way, and have no codes for it. */
function gzipFault({ message }) {
  if (/junk|extra|trailing|after the end/i.test(message)) {
    return new FileFault(
      "goes on after the end of its gzip data",
      "it was packed in several parts, so unpack it first, with gunzip",
    );
  }
  if (/trunc|incomplete|unexpected end|input is ended|without reaching/i.test(message)) {
    return new FileFault("breaks off in the middle of its gzip data", "copy it again");
  }
  return new FileFault("has gzip data that is damaged", "copy it again");
}

function unreadable(error) {
  return new FileFault(`cannot be read (${error.message})`, "if it was changed, moved or is a folder, choose the file anew");
}
