import { readFileSync } from 'node:fs';

/** The version of this server. It stands in `package.json` only, which is one folder above both `src` and `dist`. */
export const VERSION = versionIn(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

function versionIn(packageJson: string): string {
  const manifest: unknown = JSON.parse(packageJson);
  if (typeof manifest !== 'object' || manifest === null || !('version' in manifest)) throw new Error('no version');
  return String(manifest.version);
}
