// The one policy that all views share. It is kept in this browser for the next visit, where the browser lets it be.

const NAME = "stillgate.policy";
const listeners = new Set();
let text = remembered();

export const policy = {
  /** Whether there is a policy from this visit or an earlier one. */
  get begun() {
    return text !== null;
  },
  get text() {
    return text ?? "";
  },
  /** @param {string} next */
  set(next) {
    if (next === text) return;
    text = next;
    remember(next);
    for (const listener of listeners) listener(next);
  },
  /** @param {(text: string) => void} listener @returns {() => void} what ends it */
  subscribe(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

function remembered() {
  try {
    return localStorage.getItem(NAME);
  } catch {
    return null;
  }
}

// An older text must not come back in place of one for which there is no room.
function remember(next) {
  try {
    localStorage.removeItem(NAME);
    localStorage.setItem(NAME, next);
  } catch {
    // A browser that keeps nothing: the policy lasts as long as the page.
  }
}
