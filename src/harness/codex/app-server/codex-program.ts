import { type BinaryLayout, findPackagedBinary } from '../../../sandbox/process/packaged-binary.js';

/** What is started as Codex. */
export interface CodexProgram {
  readonly command: string;
  /** What its npm package adds to its environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** As the script of `@openai/codex` 0.169.0 finds it. */
const LAYOUT: BinaryLayout = {
  packageName: '@openai/codex',
  script: 'bin/codex.js',
  platforms: {
    'linux-x64': platform('codex-linux-x64', 'x86_64-unknown-linux-musl'),
    'linux-arm64': platform('codex-linux-arm64', 'aarch64-unknown-linux-musl'),
    'darwin-x64': platform('codex-darwin-x64', 'x86_64-apple-darwin'),
    'darwin-arm64': platform('codex-darwin-arm64', 'aarch64-apple-darwin'),
  },
};

/**
 * The native program of Codex where the configured one is the script of its npm package. On a Node before 22.15 that script stays, with 42 MB, as long
 * as Codex runs; on any Node it has to start first. Anything else is started as it is.
 *
 * @param command an absolute path, or a name on the server's `PATH`
 */
export function findCodexProgram(command: string): CodexProgram {
  const binary = findPackagedBinary(command, LAYOUT);
  if (binary === undefined) return { command, env: {} };
  // The name of the package manager is for hints how to update, which an app-server never gives: npm's, as the script has it by default.
  return {
    command: binary.program,
    env: { CODEX_MANAGED_PACKAGE_ROOT: binary.packageFolder, CODEX_MANAGED_BY_NPM: '1' },
  };
}

function platform(name: string, target: string): { readonly packageName: string; readonly program: string } {
  return { packageName: `@openai/${name}`, program: `vendor/${target}/bin/codex` };
}
