/**
 * Makes the code of the console's page in `modules/console/dist/`: `page.js`, one file of all its modules, and
 * `scan.js`, which the page loads where a code is scanned. The programs take them from there; they are not kept in the
 * repository.
 *
 * @module
 */
import { PAGE_FILES } from "./page_files.ts";

for (const [made, source] of Object.entries(PAGE_FILES)) {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: [
      "bundle",
      "--quiet",
      "--platform",
      "browser",
      "--minify",
      "--output",
      `modules/console/dist/${made}`,
      `modules/console/page/${source}`,
    ],
    cwd: new URL("..", import.meta.url),
    stdin: "null",
  }).spawn().status;
  if (!success) Deno.exit(1);
}
