/**
 * Makes the code of the console's page, `modules/console/dist/page.js`: one file of all its modules. The programs take
 * it from there; it is not kept in the repository.
 *
 * @module
 */

const { success } = await new Deno.Command(Deno.execPath(), {
  args: [
    "bundle",
    "--quiet",
    "--platform",
    "browser",
    "--minify",
    "--output",
    "modules/console/dist/page.js",
    "modules/console/page/main.tsx",
  ],
  cwd: new URL("..", import.meta.url),
  stdin: "null",
}).spawn().status;
if (!success) Deno.exit(1);
