/**
 * Which pages there are, and where the frame shows them.
 *
 * @module
 */
import type { IconName } from "./parts/icons.tsx";

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
export const FOR_VIEWERS: readonly PageName[] = [
  "start",
  "people",
  "network",
  "audit",
  "settings",
  "more",
];

export function isPageName(name: string): name is PageName {
  return name in PAGE_ICONS;
}
