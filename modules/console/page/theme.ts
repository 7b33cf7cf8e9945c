/**
 * Light or dark: as the system says, or as somebody chose here.
 *
 * @module
 */
import { signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

const THEME_KEY = "openred_theme";

function keptTheme(): Theme {
  const kept = localStorage.getItem(THEME_KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}

export const theme = signal<Theme>(keptTheme());

export function setTheme(next: Theme): void {
  localStorage.setItem(THEME_KEY, next);
  theme.value = next;
}

/** Marks the page with the theme that was chosen. */
export function applyTheme(): void {
  document.documentElement.dataset.theme = theme.value;
}
