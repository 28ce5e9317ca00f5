import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';

/** Debian's, or the one that a developer names. */
const PROGRAM = process.env['CHIRON_TEST_CHROMIUM'] ?? '/usr/bin/chromium';

/** Why no browser can be used; `undefined` when one can. `CHIRON_TEST_REQUIRE_BROWSER=1` makes its absence a failure. */
export const browserSkipReason: string | undefined = existsSync(PROGRAM)
  ? undefined
  : `Skipped, as there is no Chromium at ${PROGRAM} (CHIRON_TEST_CHROMIUM names another).`;

if (browserSkipReason !== undefined) {
  if (process.env['CHIRON_TEST_REQUIRE_BROWSER'] === '1') throw new Error(browserSkipReason);
  console.log(browserSkipReason);
}

/** Starts Chromium without a window. As root it has no sandbox of its own; it opens nothing but the server of the test. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: PROGRAM,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--no-first-run',
    ],
  });
}

/** What axe finds wrong with what a page shows, by rule. */
export async function findAccessibilityProblems(page: Page): Promise<readonly string[]> {
  // Not as a script of the page: its policy lets in no other script.
  const source = createRequire(import.meta.url)('axe-core') as { readonly source: string };
  await page.evaluate(source.source);
  const { violations } = await page.evaluate<AxeResults>('axe.run()');
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}
