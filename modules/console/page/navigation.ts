/**
 * Which pages there are, and where the frame shows them.
 *
 * @module
 */
import type { IconName } from "./parts/icons.tsx";
import { isOwner } from "./session.ts";

export const PAGE_ICONS = {
  start: "home",
  guide: "home",
  chats: "chat",
  people: "people",
  files: "file",
  network: "network",
  audit: "audit",
  modules: "module",
  security: "shield",
  settings: "settings",
  more: "more",
} as const satisfies Record<string, IconName>;

export type PageName = keyof typeof PAGE_ICONS;

/** On the left of a wide window. */
export const RAIL: readonly PageName[] = [
  "start",
  "chats",
  "people",
  "files",
  "network",
  "audit",
  "modules",
  "security",
  "settings",
];

/** At the bottom of a narrow one. */
export const TABS: readonly PageName[] = ["start", "chats", "people", "files", "more"];

/** What somebody may see who is not the owner. */
const FOR_VIEWERS: readonly PageName[] = [
  "start",
  "people",
  "network",
  "audit",
  "settings",
  "more",
];

/** Whether whoever is signed in may see a page. */
export function maySee(page: PageName): boolean {
  return isOwner() || FOR_VIEWERS.includes(page);
}

export function isPageName(name: string): name is PageName {
  return Object.hasOwn(PAGE_ICONS, name);
}
