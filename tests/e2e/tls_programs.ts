import { fileURLToPath } from "node:url";
import { type Programs, sourcePrograms } from "../../scripts/local_network/programs.ts";

/** Certificates for `localhost` and 127.0.0.1, of an authority that only tests know. */
export const CERTIFICATES = fileURLToPath(new URL("../process/tls", import.meta.url));

/** The programs from source, which may read those certificates, and call this machine by its name too. */
export const tlsPrograms: Programs = {
  prepare: () => sourcePrograms.prepare(),
  command: (program, data) =>
    sourcePrograms.command(program, data).map((word) => {
      if (word.startsWith("--allow-read=")) return `${word},${CERTIFICATES}`;
      return word.startsWith("--allow-net=") ? `${word},localhost` : word;
    }),
};
