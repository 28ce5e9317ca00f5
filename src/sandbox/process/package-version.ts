import { readFileSync, realpathSync } from 'node:fs';
import { join, sep } from 'node:path';
import { findProgram } from './find-program.js';

/**
 * The version of the npm package that a program is of, also where the program is a link such as those in `.bin` folders; `undefined` for one that
 * no npm has installed. Starts nothing.
 *
 * @param command an absolute path, or a name on the server's `PATH`
 */
export function findPackageVersion(command: string): string | undefined {
  const program = findProgram(command, process.env['PATH']);
  if (program === undefined) return undefined;
  try {
    const manifest = findManifest(realpathSync(program));
    return manifest === undefined ? undefined : readVersion(readFileSync(manifest, 'utf8'));
  } catch {
    // Removed meanwhile, closed to the server, or no package: then nobody knows the version.
    return undefined;
  }
}

/** @throws if it is no JSON */
function readVersion(manifest: string): string | undefined {
  const value: unknown = JSON.parse(manifest);
  const isPackage = typeof value === 'object' && value !== null && 'version' in value;
  return isPackage && typeof value.version === 'string' ? value.version : undefined;
}

/** The `package.json` of the innermost installed package that a file is in. */
function findManifest(file: string): string | undefined {
  const folder = `${sep}node_modules${sep}`;
  const start = file.lastIndexOf(folder);
  if (start === -1) return undefined;
  const [first = '', second = ''] = file.slice(start + folder.length).split(sep);
  const name = first.startsWith('@') ? join(first, second) : first;
  return join(file.slice(0, start + folder.length), name, 'package.json');
}
