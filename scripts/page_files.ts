/**
 * What the code of the console's page is made of.
 *
 * @module
 */

/** Names in `modules/console/dist/`, with the sources in `modules/console/page/`. */
export const PAGE_FILES = { "page.js": "main.tsx", "scan.js": "code_reader.ts" } as const;
