import { readFileSync } from 'node:fs';
import { ownFile } from './own-files.js';

/** The version of this server. It stands in `package.json` only, which is one folder above `src`, `build` and `dist`. */
export const VERSION = versionIn(readFileSync(ownFile('../package.json'), 'utf8'));

function versionIn(packageJson: string): string {
  const manifest: unknown = JSON.parse(packageJson);
  if (typeof manifest !== 'object' || manifest === null || !('version' in manifest)) throw new Error('no version');
  return String(manifest.version);
}
