// Runs before `npm start` in a checkout, before tests and before the bench, and builds when `dist` is missing or older than what it is made of. After an
// install without development dependencies there is nothing to build with, and `npm start` runs what `npm run build` has made.
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, rmSync } from 'node:fs';

const BUILT = 'dist/main.js';
const BUNDLER = 'scripts/bundle.mjs';
const BUILD_TOOL = 'node_modules/.bin/nest';
// Not `npm run build`: the start would wait for npm once more.
const BUILD_STEPS = [
  [BUILD_TOOL, 'build'],
  ['node_modules/.bin/tsc', '-p', 'src/console/page'],
  [process.execPath, BUNDLER],
];

if (existsSync(BUILD_TOOL)) {
  if (isStale()) build();
} else if (!existsSync(BUILT)) {
  process.stderr.write(
    'Chiron is not built, and its build tools are not installed: run `npm ci && npm run build` first.\n',
  );
  process.exitCode = 1;
}

function build() {
  const isBuilt = BUILD_STEPS.every(([tool, ...args]) => spawnSync(tool, args, { stdio: 'inherit' }).status === 0);
  if (isBuilt) return;
  // What an earlier build has made is not what the sources say; the next start has to build again.
  rmSync(BUILT, { force: true });
  process.exitCode = 1;
}

function isStale() {
  if (!existsSync(BUILT)) return true;
  // With the folders, as a file that was removed shows only in the time of its folder.
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).map((name) => `src/${name}`);
  const inputs = ['src', ...sources, 'nest-cli.json', 'tsconfig.json', 'tsconfig.build.json', BUNDLER];
  const builtAtMs = lstatSync(BUILT).mtimeMs;
  return inputs.some((path) => lstatSync(path).mtimeMs > builtAtMs);
}
