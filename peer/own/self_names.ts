/**
 * What the table `self` says of a node's own succession.
 *
 * @module
 */

/** Names of rows. */
export const SELF_NAMES = {
  nodeId: "node_id",
  /** SHA-256 of the raw key that may follow, base64url. */
  next: "next",
  /** The succession that this identity came from. */
  succession: "succession",
  /** Those before it, oldest first: a JSON array of texts. */
  formerSuccessions: "former_successions",
  /** What the audit log has yet to say of it. */
  noted: "succession_noted",
  /** Any peer may know the former identity: the data directory it was in is lost. */
  untoldToAll: "untold *",
  /** How the records of one identity are numbered. */
  ofRecords: ["taken_seq", "shown_seq", "signed_seq", "signed_suites", "foreign_seq"],
} as const;

/** A peer who may know this node by its former id only. */
export function untoldName(peer: string): string {
  return `untold ${peer}`;
}

/** A peer who was told, where anybody may have to be. */
export function toldName(peer: string): string {
  return `told ${peer}`;
}

/** A directory that has judged the succession, and of which identity. */
export function judgedName(url: string): string {
  return `judged ${url}`;
}
