// The stream of what happens, from the server of this page: connected for as long as somebody looks.

/** Milliseconds until a stream is tried again that the browser has given up. */
const AGAIN = 3000;

const EVENTS = ["hello", "request", "stats", "campaign"];

/**
 * A `hello` comes first on every connection, and once more when another policy is in force: the listener is told whether it is the
 * first. An event is `odd` that the listener throws at.
 * @typedef {{state: (name: "connecting" | "live" | "lost" | "absent") => void, odd: () => void}} States
 * @param {States & Record<string, (data: object, first: boolean) => void>} listener
 * @returns {{open(): void, close(): void}} a server that has no stream is `absent`; one that had it is `lost`, and tried again
 */
export function stream(listener) {
  let source;
  let timer;
  let greeted = false;
  let first = true;

  function open() {
    close();
    listener.state(greeted ? "lost" : "connecting");
    source = new EventSource("live");
    // The browser comes back by itself, too.
    source.onopen = () => (first = true);
    for (const name of EVENTS) {
      source.addEventListener(name, ({ data }) => {
        if (name === "hello") {
          greeted = true;
          listener.state("live");
        }
        try {
          listener[name](JSON.parse(data), first);
          if (name === "hello") first = false;
        } catch {
          listener.odd();
        }
      });
    }
    source.onerror = () => {
      // The browser comes back by itself to a server that went away, and not to one that answers with something else.
      const over = source.readyState === EventSource.CLOSED;
      if (over) close();
      listener.state(over && !greeted ? "absent" : "lost");
      if (over && greeted) timer = setTimeout(open, AGAIN);
    };
  }

  function close() {
    clearTimeout(timer);
    source?.close();
    source = undefined;
  }

  return { open, close };
}
