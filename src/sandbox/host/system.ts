import { existsSync, lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { buildPath } from '../environment.js';
import { findProgram } from '../process/find-program.js';

/** A path of the machine that programs see at the same path, read-only. */
export type SystemEntry =
  | { readonly kind: 'bind'; readonly path: string }
  /** A link of the machine, such as `/bin` to `usr/bin`. */
  | { readonly kind: 'link'; readonly path: string; readonly target: string };

/** Folders with the machine's programs and libraries. Where `/usr` has all of them, the others are links to it. */
const SYSTEM_FOLDERS = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

/** What programs need of `/etc`. Nothing here may hold a secret: `/etc` as a whole does. */
const ETC_ENTRIES = [
  ...[
    'ssl/certs',
    'ssl/openssl.cnf',
    'ca-certificates',
    'pki',
    'crypto-policies',
    'alternatives',
    'fonts',
    'localtime',
    'timezone',
  ],
  ...['ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'mime.types', 'protocols', 'services', 'java', 'terminfo', 'magic'],
  // Debian's Chromium does not start without its flags; its policies are to hold inside, too.
  ...['chromium.d', 'chromium'],
];

/** What programs see of `/etc`. */
export function listEtcEntries(): readonly string[] {
  return ETC_ENTRIES.map((name) => join('/etc', name)).filter((path) => existsSync(path));
}

/** The parts of the machine that every sandbox has. */
export function listSystemEntries(): readonly SystemEntry[] {
  const folders = SYSTEM_FOLDERS.flatMap((path): readonly SystemEntry[] => {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return [];
    return [found.isSymbolicLink() ? { kind: 'link', path, target: readlinkSync(path) } : { kind: 'bind', path }];
  });
  return [...folders, ...listEtcEntries().map((path): SystemEntry => ({ kind: 'bind', path }))];
}

/**
 * What has to be seen of a program's installation, as absolute paths: the whole `node_modules` that it is in, as npm's programs are spread
 * over it, or only its own file. Nothing for a program of the system. A script that has files beside it needs a mount of the deployment.
 */
export function findInstallation(program: string): readonly string[] {
  const real = realpathSync(program);
  const modules = real.split(`${sep}node_modules${sep}`)[0];
  const own = modules === real ? real : join(modules ?? '', 'node_modules');
  // Its name may be a link elsewhere, such as in the folder of npm's global programs.
  return [...new Set([own, program])].filter((path) => !isInSystem(path) && !isBelow(path, own, program));
}

/**
 * The path by which a program is run where its links are not: a script of npm's loads what is beside its own file. Any other program keeps its
 * name, by which it may know what to do.
 */
export function resolveInstalled(program: string): string {
  const real = realpathSync(program);
  return real.includes(`${sep}node_modules${sep}`) ? real : program;
}

/** The Node that the agents' scripts run on, with its npm. `path` is the server's `PATH`. */
export function findNodeInstallation(path: string | undefined): readonly string[] {
  const node = findProgram('node', buildPath(path)) ?? process.execPath;
  const real = realpathSync(node);
  const modules = join(dirname(dirname(real)), 'lib', 'node_modules');
  const npm = existsSync(join(modules, 'npm')) && !isInSystem(modules) ? [modules, dirname(real)] : [];
  return [...findInstallation(node), ...npm];
}

/** A link below the folder that is bound anyway needs no mount of its own. */
function isBelow(path: string, own: string, program: string): boolean {
  return path === program && path !== own && `${path}${sep}`.startsWith(`${own}${sep}`);
}

function isInSystem(path: string): boolean {
  return SYSTEM_FOLDERS.some((folder) => path.startsWith(`${folder}${sep}`));
}

/** Those of the folders that are in one of the system's, and would be seen with it. */
export function listHidden(folders: readonly string[]): readonly string[] {
  return folders.filter((folder) => isInSystem(folder) && existsSync(folder));
}
