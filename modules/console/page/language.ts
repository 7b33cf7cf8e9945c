/**
 * The console's words. Texts hold no markup; what others wrote stands in their places as elements of its own.
 *
 * @module
 */
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { EN } from "./words/en.ts";
import { FR } from "./words/fr.ts";

export type WordKey = keyof typeof EN;
export type Language = "en" | "fr";

const DICTIONARIES: Readonly<Record<Language, Readonly<Record<WordKey, string>>>> = {
  en: EN,
  fr: FR,
};
const LANGUAGE_KEY = "openred_language";

function firstLanguage(): Language {
  const kept = localStorage.getItem(LANGUAGE_KEY);
  if (kept === "en" || kept === "fr") return kept;
  return navigator.languages.some((tag) => tag.startsWith("fr")) &&
      !navigator.languages[0]!.startsWith("en")
    ? "fr"
    : "en";
}

export const language = signal<Language>(firstLanguage());

export function setLanguage(next: Language): void {
  localStorage.setItem(LANGUAGE_KEY, next);
  language.value = next;
}

export type Values = Readonly<Record<string, string | number>>;

/** A text, with values in its places. */
export function t(key: WordKey, values: Values = {}): string {
  return DICTIONARIES[language.value][key].replace(
    /\{(\w+)\}/g,
    (place, name: string) => name in values ? String(values[name]) : place,
  );
}

const PLURALS = { en: new Intl.PluralRules("en"), fr: new Intl.PluralRules("fr") } as const;

/** As {@linkcode t}, for one or many: keys end with `_one` and `_many`. */
export function tn<K extends string>(
  key: `${K}_one` extends WordKey ? `${K}_many` extends WordKey ? K : never : never,
  count: number,
  values: Values = {},
): string {
  const one = `${key}_one` as WordKey;
  const isOne = PLURALS[language.value].select(count) === "one";
  // French says of none what it says of one; a text that names one in words does not fit none.
  const fits = count === 1 || DICTIONARIES[language.value][one].includes("{count}");
  return t(isOne && fits ? one : `${key}_many` as WordKey, { ...values, count });
}

/** As {@linkcode t}, with elements in its places. */
export function tx(
  key: WordKey,
  values: Readonly<Record<string, ComponentChildren>>,
): ComponentChildren[] {
  return DICTIONARIES[language.value][key].split(/(\{\w+\})/).map((part) => {
    const [, name] = /^\{(\w+)\}$/.exec(part) ?? [];
    return name !== undefined && name in values ? values[name] : part;
  });
}

/** The words for a key that was put together, or else a text as it is. */
export function wordOr(key: string, text: string): string {
  return hasWord(key) ? t(key) : text;
}

/** Whether there are words for a key that was put together. */
export function hasWord(key: string): key is WordKey {
  return key in EN;
}
