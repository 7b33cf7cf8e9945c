/**
 * Somebody with a browser, and nobody to choose in its dialogs.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";

const CHROMIUM_WAIT_MS = 600_000;

/** What the browser complains about: a policy that is broken, an error that nobody caught. */
export class Visit implements AsyncDisposable {
  readonly complaints: string[] = [];
  readonly context: BrowserContext;
  readonly page: Page;

  private constructor(context: BrowserContext, page: Page) {
    this.context = context;
    this.page = page;
    page.setDefaultTimeout(CHROMIUM_WAIT_MS);
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("console", (message) => {
      const isExpected = message.text().startsWith("Failed to load resource");
      if (message.type() === "error" && !isExpected) this.complaints.push(message.text());
    });
  }

  static async start(
    browser: Browser,
    options: BrowserContextOptions = {},
  ): Promise<Visit> {
    const context = await browser.newContext({ locale: "en-GB", ...options });
    const page = await context.newPage();
    // Nobody is there to choose in a dialog; a test that wants one puts its own in place.
    await page.addInitScript("delete globalThis.showSaveFilePicker");
    return new Visit(context, page);
  }

  async says(text: string): Promise<void> {
    await this.page.getByText(text, { exact: false }).first().waitFor();
  }

  /** How many files the page has left in the browser's own storage. */
  async kept(): Promise<number> {
    return await this.page.evaluate(`(async () => {
      const root = await navigator.storage.getDirectory();
      const folder = await root.getDirectoryHandle("openred-links", { create: true });
      let count = 0;
      for await (const _ of folder.keys()) count += 1;
      return count;
    })()`) as number;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.context.close();
    assertEquals(this.complaints, []);
  }
}
