import { spawn } from 'node:child_process';

/**
 * How npm installs. It checks each package against the checksum of its registry. `--ignore-scripts=false` and `--include=optional` because
 * users who have turned these off would get packages without their programs; the scripts of other packages are not allowed by the folder.
 */
const OPTIONS = [
  ...[
    '--save-exact',
    '--ignore-scripts=false',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--json',
    '--loglevel=error',
  ],
  // By default it tries for more than a minute before it reports that there is no network.
  ...['--fetch-retries=2', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=3000'],
];

/** What npm's error codes mean, for those that users can do something about. */
const ADVICE: ReadonlyMap<string, string> = new Map([
  ...['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'ENETUNREACH', 'ERR_SOCKET_TIMEOUT'].map(
    (code) =>
      [code, 'npm does not reach its registry. Check the network, a proxy, and `npm config get registry`'] as const,
  ),
  ['ETARGET', 'its registry has no such version'],
  ['E404', 'its registry has no such package'],
  ['EINTEGRITY', 'what was downloaded is not what the registry has announced. Nothing was installed'],
  ['ENOSPC', 'the disk is full'],
  ['EACCES', 'this user may not write there'],
]);

/**
 * Installs npm packages into a folder that is an npm project.
 *
 * @param specs packages with their versions
 * @throws with a sentence for the user.
 */
export async function installPackages(folder: string, specs: readonly string[]): Promise<void> {
  const { status, output, errors } = await runNpm(folder, ['install', ...OPTIONS, ...specs]);
  if (status === 0) return;
  throw new Error(`Chiron cannot install ${specs.join(' and ')}: ${explainFailure(output, errors)}.`);
}

interface Run {
  readonly status: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Not with `--prefix`: npm would then look for the machine's configuration, such as a company's registry, below that folder. */
function runNpm(cwd: string, args: readonly string[]): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn('npm', args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' });
    const texts = { output: '', errors: '' };
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (texts.output += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (texts.errors += chunk));
    child.once('error', (error) => {
      reject(new Error('Chiron cannot install agents without npm: put it on PATH.', { cause: error }));
    });
    child.once('close', (status) => resolve({ status, ...texts }));
  });
}

/** Why npm failed, from the JSON that it prints (npm 10 and 11), or else from its last words. */
function explainFailure(output: string, errors: string): string {
  const { code = '', summary = '' } = readError(output) ?? {};
  const advice = ADVICE.get(code);
  if (advice !== undefined) return `${advice} (${code})`;
  return [code, summary === '' ? errors.trim().slice(-500) : summary].filter((part) => part !== '').join(': ');
}

function readError(output: string): { readonly code?: string; readonly summary?: string } | undefined {
  try {
    const parsed = JSON.parse(output) as { readonly error?: { readonly code?: string; readonly summary?: string } };
    return parsed.error;
  } catch {
    return undefined;
  }
}
