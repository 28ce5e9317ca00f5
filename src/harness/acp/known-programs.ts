import type { DialectName } from '../../config/agent-settings.js';
import type { AgentNpmPackage } from '../definition.js';

/** What is known of the program that speaks a dialect, wherever it is installed. Paths are below a thread's home. */
export interface KnownProgram {
  readonly npmPackage?: AgentNpmPackage;
  /** Files of a home template that have, or may have, a login. */
  readonly loginFiles: readonly string[];
  /** Where it keeps its records of conversations. */
  readonly recordFolders: readonly string[];
  /** What is made anew, belongs to running processes, or is a login. `~/.cache` is no part of any snapshot. */
  readonly notInSnapshots: readonly string[];
}

/** By dialect; read in the programs of the named versions. */
export const KNOWN_PROGRAMS: Readonly<Record<DialectName, KnownProgram>> = {
  standard: { loginFiles: [], recordFolders: [], notInSnapshots: [] },
  opencode: {
    // Its script puts the program of the platform into place (1.18.33, `postinstall.mjs`).
    npmPackage: { name: 'opencode-ai', program: 'opencode', version: '1.18.33', hasInstallScript: true },
    loginFiles: ['.config/opencode/opencode.json', '.local/share/opencode/auth.json'],
    recordFolders: ['.local/share/opencode'],
    notInSnapshots: ['.local/share/opencode/log', '.local/share/opencode/bin', '.local/share/opencode/auth.json'],
  },
  gemini: {
    npmPackage: { name: '@google/gemini-cli', program: 'gemini', version: '0.61.0', hasInstallScript: false },
    loginFiles: ['.gemini/oauth_creds.json', '.gemini/.env', '.env'],
    recordFolders: ['.gemini'],
    notInSnapshots: ['.gemini/oauth_creds.json', '.gemini/installation_id'],
  },
  qwen: {
    npmPackage: { name: '@qwen-code/qwen-code', program: 'qwen', version: '0.24.4', hasInstallScript: false },
    loginFiles: ['.qwen/oauth_creds.json', '.qwen/settings.json', '.qwen/.env'],
    recordFolders: ['.qwen'],
    notInSnapshots: ['.qwen/oauth_creds.json', '.qwen/installation_id'],
  },
  copilot: {
    npmPackage: { name: '@github/copilot', program: 'copilot', version: '1.0.102', hasInstallScript: false },
    loginFiles: ['.copilot/config.json'],
    recordFolders: ['.copilot'],
    notInSnapshots: ['.copilot/logs', '.copilot/pkg'],
  },
  kimi: {
    // Its script looks after global installations only (2.1.0, `postinstall.mjs`).
    npmPackage: { name: '@moonshot-ai/kimi-code', program: 'kimi', version: '2.1.0', hasInstallScript: false },
    loginFiles: ['.kimi-code/config.toml'],
    recordFolders: ['.kimi-code'],
    notInSnapshots: ['.kimi-code/logs', '.kimi-code/updates', '.kimi-code/bin', '.kimi-code/credentials'],
  },
  claude: {
    loginFiles: ['.claude/.credentials.json', '.claude/settings.json'],
    recordFolders: ['.claude'],
    notInSnapshots: ['.claude/.credentials.json'],
  },
  codex: {
    loginFiles: ['.codex/auth.json', '.codex/config.toml'],
    recordFolders: ['.codex'],
    notInSnapshots: ['.codex/auth.json'],
  },
};
