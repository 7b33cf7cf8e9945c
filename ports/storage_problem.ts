/**
 * What SQLite and the operating system say when a data directory cannot be used, in words for its operator.
 *
 * @module
 */

type Problem = "damaged" | "full" | "failing" | "read-only" | "forbidden";

/** SQLite has no code for what fails at opening, and the same words on every system. */
const MESSAGES: readonly (readonly [RegExp, Problem])[] = [
  [/file is not a database|disk image is malformed/, "damaged"],
  [/database or disk is full|No space left on device/, "full"],
  [/disk I\/O error/, "failing"],
  [/readonly database|Read-only file system/, "read-only"],
  [/unable to open database file|[Pp]ermission denied|Operation not permitted/, "forbidden"],
];

const REASONS: Readonly<Record<Problem, string>> = {
  damaged: "the database is damaged",
  full: "the disk is full",
  failing: "the disk takes nothing: it is full or broken",
  "read-only": "it is read-only",
  forbidden: "this user may not use it",
};

function problemOf(error: unknown): Problem | null {
  if (!(error instanceof Error)) return null;
  return MESSAGES.find(([pattern]) => pattern.test(error.message))?.[1] ?? null;
}

/** The cause in a few words; what the system says where it is no known one. */
export function storageReason(error: unknown): string {
  const problem = problemOf(error);
  if (problem !== null) return REASONS[problem];
  return error instanceof Error ? error.message : "unknown";
}

/** What a program keeps in a data directory. */
export interface DataPlace {
  readonly data: string;
  /** The name of its database. */
  readonly database: string;
  /** What helps against a damaged database. */
  readonly repair: string;
}

/**
 * One line that says what is wrong with a data directory, and what helps.
 * @returns `null` for an error that says nothing of it.
 */
export function explainStorage(error: unknown, place: DataPlace): string | null {
  const { data, database, repair } = place;
  switch (problemOf(error)) {
    case "damaged":
      return `${database} in ${data} is damaged; ${repair}`;
    case "full":
      return `The disk of ${data} is full; make room there`;
    case "failing":
      return `The disk of ${data} takes nothing: it is full or broken`;
    case "read-only":
      return `${data} is read-only for this program: its disk, or a file there`;
    case "forbidden":
      return `This user may not use ${data}; it may be another user's`;
    case null:
      return null;
  }
}
