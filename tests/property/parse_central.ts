import { parseOptions } from "../../directory/options.ts";

/** How openred-central ends, and what it prints. */
export interface Said {
  /** `null`: it would run. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Has openred-central read a command line. */
export function parseCentral(args: readonly string[]): Said {
  let out = "";
  let err = "";
  const parsed = parseOptions(args, {
    version: "1.2.3-test",
    out: (text) => out += text,
    err: (text) => err += text,
  });
  return { code: parsed.kind === "exit" ? parsed.code : null, out, err };
}
