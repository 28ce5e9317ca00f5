import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { findProgram } from './find-program.js';

/** How an npm package ships a native program: a script of its own, which starts the program of a package for the platform. */
export interface BinaryLayout {
  readonly packageName: string;
  /** The script's path in the package. */
  readonly script: string;
  /** The package with the program, by `<platform>-<architecture>` as Node names them, and the program's path in it. */
  readonly platforms: Readonly<Record<string, { readonly packageName: string; readonly program: string }>>;
}

/** The native program of an installed npm package. Both paths are free of links. */
export interface PackagedBinary {
  readonly program: string;
  /** The folder of the package whose script would start it. */
  readonly packageFolder: string;
}

/**
 * The native program behind a script of npm's, also where the program is a link to that script, such as those in `.bin` folders. `undefined` for any
 * other program, and where the packages are not laid out as expected: then the program itself has to be started.
 *
 * @param command an absolute path, or a name on the server's `PATH`
 */
export function findPackagedBinary(
  command: string,
  { packageName, script, platforms }: BinaryLayout,
  platform = `${process.platform}-${process.arch}`,
): PackagedBinary | undefined {
  const target = platforms[platform];
  const program = findProgram(command, process.env['PATH']);
  if (target === undefined || program === undefined) return undefined;
  try {
    const real = realpathSync(program);
    if (!real.endsWith(join(sep, 'node_modules', packageName, script))) return undefined;
    // Resolved as the script itself does it: package managers put the package in different places.
    const manifest = createRequire(real).resolve(`${target.packageName}/package.json`);
    const binary = findProgram(join(dirname(manifest), target.program), undefined);
    if (binary === undefined) return undefined;
    return { program: realpathSync(binary), packageFolder: real.slice(0, -script.length - 1) };
  } catch {
    // Without the package of the platform, or with another layout, the script knows better what to do, and what to say.
    return undefined;
  }
}
