import { createClient } from '@hey-api/openapi-ts';
import { execFile } from 'node:child_process';
import { copyFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningServer, startServer } from '../support/running-server.js';
import { newFolder, removeFolders } from './support/folders.js';

const KEY = 'a-key-that-is-long-enough-for-chiron';
const PROGRAM = fileURLToPath(new URL('./__fixtures__/generated-client.ts', import.meta.url));
const require = createRequire(import.meta.url);
const TSC = require.resolve('typescript/bin/tsc');

const COMPILER_OPTIONS = {
  target: 'ES2023',
  module: 'NodeNext',
  lib: ['ES2023', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'],
  types: ['node'],
  typeRoots: [join(require.resolve('@types/node/package.json'), '../..')],
  strict: true,
  noUncheckedIndexedAccess: true,
  noImplicitOverride: true,
  noUnusedLocals: true,
  rootDir: '.',
  outDir: 'out',
};

/** What the program of the fixture prints. */
interface Report {
  readonly methods: readonly string[];
  readonly [part: string]: unknown;
}

describe('a client that @hey-api/openapi-ts generates from /openapi.json', () => {
  let server: RunningServer;
  let folder: string;

  beforeAll(async () => {
    server = await startServer({ CHIRON_DEFAULT_HARNESS: 'demo', CHIRON_API_KEYS: `team:${KEY}` });
    folder = await newFolder('generated');
    await createClient({
      input: `${server.url}/openapi.json`,
      output: { path: join(folder, 'client'), module: { extension: '.js' }, tsConfigPath: null },
      plugins: ['@hey-api/client-fetch', '@hey-api/typescript', '@hey-api/sdk'],
      logs: { level: 'silent' },
    });
    await copyFile(PROGRAM, join(folder, 'program.ts'));
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  });

  afterAll(async () => {
    await server.stop();
    await removeFolders();
  });

  it('compiles with strict TypeScript, and with exactOptionalPropertyTypes but for the files of the generator itself', async () => {
    const exact = await compile({ exactOptionalPropertyTypes: true });
    expect(exact.filter((line) => !/^client\/(client|core)\//.test(line))).toEqual([]);
    expect(await compile({})).toEqual([]);
  });

  it('has a method for every operation, and can run a conversation with them', async () => {
    await compile({});
    const { code, stdout, stderr } = await run([join(folder, 'out/program.js'), server.url, KEY]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { methods, ...report } = JSON.parse(stdout) as Report;
    expect(methods.toSorted()).toEqual((await operationIds()).toSorted());
    const answer = expect.stringContaining('You said: Which files are here?') as string;
    const said = expect.stringContaining('You said: Say something.') as string;
    expect(report).toEqual({
      messages: {
        answer,
        tokens: expect.any(Number) as number,
        streamed: answer,
        stopReason: 'end_turn',
        counted: expect.any(Number) as number,
        cancelled: false,
      },
      models: { id: 'demo', created: '2026-11-22T00:00:00Z', thinks: false },
      session: {
        harness: 'demo',
        appended: 1,
        hasEvents: true,
        result: said,
        answer: said,
        turns: ['completed'],
        listed: ['test:session'],
        interrupted: false,
        deleted: true,
      },
      operations: { name: 'chiron', hello: 200, ok: [true, true, true] },
      errors: ['not_found_error', false, 401],
    });
  });

  async function operationIds(): Promise<readonly string[]> {
    const { paths } = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
      readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId: string }>>>>;
    };
    return Object.values(paths).flatMap((item) => Object.values(item).map(({ operationId }) => operationId));
  }

  /** Compiles client and program; the compiler's errors, each with the file that it is in first. */
  async function compile(more: object): Promise<readonly string[]> {
    const config = { compilerOptions: { ...COMPILER_OPTIONS, ...more }, include: ['program.ts', 'client'] };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const { stdout } = await run([TSC, '-p', folder, '--pretty', 'false']);
    return stdout.split('\n').filter((line) => /error TS\d+/.test(line));
  }

  function run(args: readonly string[]) {
    return new Promise<{ readonly code: unknown; readonly stdout: string; readonly stderr: string }>((resolve) => {
      execFile(process.execPath, [...args], { cwd: folder }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
      );
    });
  }
});
