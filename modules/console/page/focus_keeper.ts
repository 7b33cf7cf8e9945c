/**
 * The focus of somebody without a mouse, where what has it is taken out of the page: by what it has just done, or by
 * what the node tells.
 *
 * @module
 */

/** What is about one thing: where that is gone, the next one of its kind is at hand. */
const HOMES = "li, ul, ol, form, .card, dialog";
const CONTROLS = "a[href], button, summary, select, textarea, input:not([tabindex='-1'])";

/** Where the focus was: all around it, from within, and the places of these among their neighbours. */
type Trail = readonly { readonly element: Element; readonly at: number }[];

function trailOf(element: Element): Trail {
  const trail = [];
  for (let one: Element | null = element; one !== null; one = one.parentElement) {
    trail.push({ element: one, at: [...one.parentElement?.children ?? []].indexOf(one) });
  }
  return trail;
}

function isSeen(element: Element): element is HTMLElement {
  return element instanceof HTMLElement && element.offsetParent !== null;
}

function controlIn(element: Element | undefined): HTMLElement | undefined {
  if (element === undefined) return undefined;
  const controls = element.matches(CONTROLS) ? [element] : [...element.querySelectorAll(CONTROLS)];
  return controls.find(isSeen);
}

/** What stands now where something stood, or else something of the same thing, or the heading of the page. */
function nextAfter(trail: Trail, root: Element): HTMLElement | undefined {
  const from = trail.findIndex(({ element }) => element.isConnected);
  const around = trail[from]?.element;
  const home = around?.closest(HOMES);
  if (around !== undefined && home != null) {
    const neighbours = [...around.children];
    const { at } = trail[from - 1]!;
    const next = controlIn(neighbours[Math.min(at, neighbours.length - 1)]) ?? controlIn(home);
    if (next !== undefined) return next;
  }
  return [...root.querySelectorAll("h1")].filter(isSeen).at(-1);
}

/** Has the focus stay near where it was from now on. */
export function keepFocus(root: HTMLElement): void {
  let trail: Trail = [];
  root.addEventListener("focusin", ({ target }) => trail = trailOf(target as Element));
  root.addEventListener("focusout", ({ target, relatedTarget }) => {
    // Whoever clicks beside everything wants it nowhere.
    if (relatedTarget === null && document.hasFocus() && (target as Element).isConnected) {
      queueMicrotask(() => {
        if ((target as Element).isConnected) trail = [];
      });
    }
  });
  new MutationObserver(() => {
    const [last] = trail;
    if (last === undefined || last.element.isConnected) return;
    const next = document.activeElement === document.body ? nextAfter(trail, root) : undefined;
    trail = [];
    next?.focus();
  }).observe(root, { childList: true, subtree: true });
}
