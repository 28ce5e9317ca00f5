import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { LIMIT_HEADERS } from '../../src/auth/limit-headers.js';
import { ApiDocument, entries, eventData, objectAt } from '../support/openapi.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

type Json = Readonly<Record<string, unknown>>;

let app: TestApp;
let document: ApiDocument;

beforeAll(async () => {
  app = await startTestApp();
  document = await ApiDocument.of(app.url);
});

afterAll(() => app.close());

describe('the OpenAPI document', () => {
  it('has neither errors nor warnings by the recommended rules of Redocly', async () => {
    expect(await lint(document.json)).toEqual({ errors: 0, warnings: 0, ignored: 0, problems: [] });
  });

  it('would be rejected by the same linter if it lacked something', async () => {
    const { servers: _, ...withoutServers } = document.json;
    expect(await lint(withoutServers)).toMatchObject({ errors: 1, problems: ['no-empty-servers'] });
  });

  it('has its version, its licence and its server', () => {
    expect(document.json).toMatchObject({
      openapi: '3.1.0',
      info: { title: 'Chiron', version: manifest.version, license: { name: manifest.license } },
      servers: [{ url: '/' }],
    });
  });

  it('gives each operation an id that is a good name of a method', () => {
    const ids = document.operations.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(['createMessage', 'countTokens', 'listModels', 'listSessions']));
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => !/^[a-z]+([A-Z][a-z]+)*$/.test(id) || /controller/i.test(id))).toEqual([]);
  });

  it('gives each operation one of the tags that it explains', () => {
    const tags = Object.fromEntries((document.json['tags'] as readonly Json[]).map((tag) => [tag['name'], tag]));
    for (const { id, object } of document.operations) {
      const used = (object['tags'] as readonly string[]).map((name) => tags[name]?.['description']);
      expect({ id, used }).toEqual({ id, used: [expect.stringMatching(/\w/)] });
    }
  });

  it('states for each operation which keys it takes, or that it takes none', () => {
    expect(Object.keys(objectAt(document.json, 'components', 'securitySchemes') ?? {})).toEqual([
      'bearer',
      'x-api-key',
    ]);
    const open = document.operations.filter(
      ({ object }) => Array.isArray(object['security']) && object['security'].length === 0,
    );
    const paths = ['/', '/api/hello', '/health', '/healthz', '/readyz'];
    expect(open.map(({ path }) => path).toSorted()).toEqual(paths);
    for (const { id, object } of document.operations.filter((operation) => !open.includes(operation))) {
      expect({ id, security: object['security'] }).toEqual({ id, security: [{ bearer: [] }, { 'x-api-key': [] }] });
    }
  });

  it('documents an error of the caller for each operation, in an envelope', () => {
    for (const { id, object } of document.operations) {
      const schemas = entries(object['responses'])
        .filter(([status]) => status.startsWith('4'))
        .map(([, response]) => JSON.stringify(objectAt(response, 'content', 'application/json', 'schema')));
      const wrong = schemas.filter((schema) => !/\/(ErrorResponse|OpenaiError|SessionError)"/.test(schema));
      expect({ id, isEmpty: schemas.length === 0, wrong }).toEqual({ id, isEmpty: false, wrong: [] });
    }
  });

  it('has `stream` as a boolean', () => {
    const properties = objectAt(document.json, 'components', 'schemas', 'CreateMessageDto', 'properties');
    expect(properties?.['stream']).toMatchObject({ type: 'boolean' });
  });

  it('describes each parameter with an example or its values', () => {
    for (const { id, object } of document.operations) {
      for (const parameter of (object['parameters'] ?? []) as readonly Json[]) {
        const schema = JSON.stringify(parameter['schema']);
        expect(parameter['description'], `${id} ${String(parameter['name'])}`).toMatch(/\w/);
        expect(schema, `${id} ${String(parameter['name'])}`).toMatch(/"(examples|default|enum)":/);
      }
    }
  });

  it('documents every header of this server that the source names', async () => {
    const source = new URL('../../src/', import.meta.url);
    const files = (await readdir(source, { recursive: true })).filter((file) => /(?<!spec)\.ts$/.test(file));
    const texts = await Promise.all(files.map((file) => readFile(new URL(file, source), 'utf8')));
    const names = new Set([
      ...LIMIT_HEADERS,
      ...texts.flatMap((text) => text.match(/x-chiron-[a-z]+(-[a-z]+)*/g) ?? []),
    ]);
    expect([...names]).toEqual(expect.arrayContaining(['x-chiron-thread-key', 'x-chiron-tool-blocks']));
    const parameters = document.operations.flatMap(({ object }) => (object['parameters'] ?? []) as readonly Json[]);
    const headers = document.operations.flatMap(({ object }) =>
      entries(object['responses']).flatMap(([, response]) => Object.keys(objectAt(response, 'headers') ?? {})),
    );
    const told = new Set([...parameters.map(({ name }) => name), ...headers]);
    expect([...names].filter((name) => !told.has(name))).toEqual([]);
  });

  it('has only examples that match their schemas', () => {
    const examples = examplesIn(document.json, '#');
    expect(examples.length).toBeGreaterThan(150);
    const wrong = examples.flatMap(({ place, schema, value }) =>
      document.problems(schema, value).map((problem) => `${place} ${problem}`),
    );
    expect(wrong).toEqual([]);
  });

  it('has example event streams whose events match their schemas', () => {
    for (const id of ['createMessage', 'readEvents']) {
      const stream = objectAt(document.response(id, 200), 'content', 'text/event-stream')?.['example'];
      const events = eventData(String(stream));
      expect(events.length).toBeGreaterThan(2);
      const schema = document.schema(id, 200, 'text/event-stream');
      expect(events.flatMap((event) => document.problems(schema, event))).toEqual([]);
    }
  });

  it('has the routes that the server has, and no others', () => {
    const documented = document.operations.map(
      ({ method, path }) => `${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
    );
    // The console is a page, which uses the others.
    const routes = routesOf(app)
      .map((route) => route.replace('*', ':'))
      .filter((route) => !route.startsWith('get /console'));
    expect(documented.toSorted()).toEqual(routes.toSorted());
  });
});

interface LintResult {
  readonly errors: number;
  readonly warnings: number;
  readonly ignored: number;
  /** The rules that were broken. */
  readonly problems: readonly string[];
}

/** Runs the linter's own program, in a folder without a configuration. */
async function lint(json: Json): Promise<LintResult> {
  const folder = await mkdtemp(join(tmpdir(), 'chiron-openapi-'));
  try {
    await writeFile(join(folder, 'openapi.json'), JSON.stringify(json));
    const program = join(dirname(createRequire(import.meta.url).resolve('@redocly/cli/package.json')), 'bin/cli.js');
    const printed = await new Promise<string>((resolve) => {
      execFile(
        process.execPath,
        [program, 'lint', 'openapi.json', '--extends=recommended', '--format=json'],
        { cwd: folder, env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' } },
        // It fails where it finds something, and says what all the same.
        (_error, stdout) => resolve(stdout),
      );
    });
    const { totals, problems } = JSON.parse(printed) as {
      readonly totals: Omit<LintResult, 'problems'>;
      readonly problems: readonly { readonly ruleId: string }[];
    };
    return { ...totals, problems: problems.map(({ ruleId }) => ruleId) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

interface Example {
  readonly place: string;
  readonly schema: Json;
  readonly value: unknown;
}

/** All examples and defaults below a place of the document: of media types, parameters, headers and schemas. */
function examplesIn(value: unknown, place: string): readonly Example[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => examplesIn(item, `${place}/${index}`));
  const inner = entries(value)
    .filter(([name]) => !['example', 'examples', 'default', 'enum'].includes(name))
    .flatMap(([name, part]) => examplesIn(part, `${place}/${name}`));
  if (value === null || typeof value !== 'object') return inner;
  const object = value as Json;
  const { example, examples, default: standard } = object;
  // A schema has its examples itself; everything else has them beside its schema.
  const schema = objectAt(object, 'schema') ?? object;
  const own = Array.isArray(examples) ? examples : entries(examples).map(([, named]) => objectAt(named)?.['value']);
  // A property may have one of these names; its value is a schema then.
  const isNamesOfProperties = /\/(properties|schemas)$/.test(place);
  const values: readonly unknown[] = isNamesOfProperties ? [] : [example, standard, ...own];
  return [...inner, ...values.filter((one) => one !== undefined).map((one) => ({ place, schema, value: one }))];
}

/** The routes of Nest's controllers: without those that refuse every method, and without the documentation's own. */
function routesOf({ app: nest }: TestApp): readonly string[] {
  const { router } = nest.getHttpAdapter().getInstance() as {
    readonly router: { readonly stack: readonly { readonly route?: Route }[] };
  };
  return router.stack
    .flatMap(({ route }) => (route === undefined ? [] : [route]))
    .filter(({ path, stack }) => !/^\/(docs|openapi)/.test(path) && stack.length === 1)
    .map(({ path, stack }) => `${stack[0]?.method} ${path}`);
}

interface Route {
  readonly path: string;
  /** One layer for each method. */
  readonly stack: readonly { readonly method: string }[];
}
