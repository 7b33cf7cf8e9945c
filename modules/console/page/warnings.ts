/**
 * What the node warns of, in the reader's words.
 *
 * @module
 */
import { hasWord, type WordKey } from "./language.ts";

/** @param topic As the node names it: a kind, and what it is about. @returns `null` for a kind without words. */
export function warningKey(topic: string): WordKey | null {
  const [kind = ""] = topic.split(" ");
  if (kind.endsWith(":")) return "warning.of_module";
  const key = `warning.${kind}`;
  if (hasWord(key)) return key;
  return kind.startsWith("audit_") ? "warning.audit" : null;
}
