// A run in its Web Worker, as the page sees it.

/**
 * Starts a run.
 * @param {{scenario: string, policy?: string} | {file: File, policy: string}} order
 * @param {{
 *   glance: (film: object, part: number, seconds: number) => void,
 *   film: (film: object, told: {seconds: number, stopped: boolean, note?: string}) => void,
 *   fault: (sentence: string, about?: "file" | "policy") => void,
 * }} listener - `glance` comes again and again; then either `film` or `fault`, once. A `note`, and a fault about the file, go on after
 *   the file's name
 * @returns {{stop(): void, end(): void}} `stop` asks for what there is, `end` for nothing
 */
export function start(order, listener) {
  const worker = new Worker(new URL("./run.js", import.meta.url), { type: "module" });
  const end = () => worker.terminate();
  worker.onmessage = ({ data }) => {
    if (data.glance) {
      listener.glance(JSON.parse(data.glance), data.part, data.seconds);
      return;
    }
    end();
    if (data.film) listener.film(JSON.parse(data.film), data);
    else listener.fault(data.fault, data.about);
  };
  worker.onerror = (event) => {
    end();
    listener.fault(
      `The run could not be started${event.message ? ` (${event.message})` : ""}: run.js did not come or does not work in ` +
        "this browser. Load the page again; if that does not help, use a current Firefox, Chrome, Edge or Safari.",
    );
  };
  worker.postMessage(order);
  return { stop: () => worker.postMessage("stop"), end };
}
