// Shows again what changes all the time, and touches only what has changed: a focus, a selection and how far something is scrolled
// stay.

/**
 * Makes what stands in a place the like of something new.
 * @param {Element} place
 * @param {Element} next - the new, as it should stand there
 */
export function renew(place, next) {
  if (place.firstElementChild) liken(place.firstElementChild, next);
  else place.append(next);
}

function liken(there, next) {
  if (there.isEqualNode(next)) return;
  if (there.nodeName !== next.nodeName) there.replaceWith(next);
  else if (there.nodeType === Node.TEXT_NODE) there.data = next.data;
  else {
    for (const { name } of [...there.attributes]) if (!next.hasAttribute(name)) there.removeAttribute(name);
    for (const { name, value } of next.attributes) if (there.getAttribute(name) !== value) there.setAttribute(name, value);
    const parts = [...next.childNodes];
    while (there.childNodes.length > parts.length) there.lastChild.remove();
    for (const [at, part] of parts.entries()) {
      if (at < there.childNodes.length) liken(there.childNodes[at], part);
      else there.append(part);
    }
  }
}
