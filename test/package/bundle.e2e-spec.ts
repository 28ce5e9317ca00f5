import { cpSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAIN, newFolder, removeFolder, startMain, urlOf } from '../support/start-main.js';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** Prints the stack of whoever has the server listen. */
const TRACER = `
import { Server } from 'node:net';
const listen = Server.prototype.listen;
Server.prototype.listen = function (...args) {
  if (args[1] === '127.0.0.1') process.stderr.write(new TypeError('traced').stack + '\\n');
  return listen.apply(this, args);
};
`;

let folder: string;

beforeEach(() => {
  folder = newFolder();
});

afterEach(() => removeFolder(folder));

describe('The bundled server', () => {
  it('names its sources in stack traces', async () => {
    const tracer = `data:text/javascript,${encodeURIComponent(TRACER)}`;
    const server = await startMain({ cwd: folder, nodeOptions: ['--import', tracer] });
    server.signal('SIGTERM');
    await server.exit;
    expect(server.output()).toMatch(
      /^TypeError: traced\n.*\n {4}at listen \(src\/start\/start\.ts:\d+:\d+\)\n.*src\/start\/start\.ts/m,
    );
  });

  it('starts where it can keep nothing beside itself, and answers from every file that it starts', async () => {
    cpSync(dirname(MAIN), join(folder, 'dist'), {
      recursive: true,
      filter: (path) => !path.endsWith('.compile-cache'),
    });
    cpSync(join(PROJECT, 'package.json'), join(folder, 'package.json'));
    symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'dist', '.compile-cache'), 'no folder');
    const server = await startMain({ cwd: folder, program: [join(folder, 'dist/main.js')] });
    const post = (path: string, body: object) =>
      fetch(`${urlOf(server)}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'demo', max_tokens: 99, ...body }),
      });
    const messages = [{ role: 'user', content: 'hello' }];
    // Workers count tokens, parse large bodies and check answers against schemas.
    const padding = 'x'.repeat(2_000_000);
    const schema = { type: 'object', properties: { answer: { type: 'string' } } };
    const responses = [
      await post('/v1/messages/count_tokens', { messages }),
      await post('/v1/messages', { messages: [{ role: 'user', content: [{ type: 'text', text: 'hello' }] }], padding }),
      await post('/v1/messages', { messages, output_config: { format: { type: 'json_schema', schema } } }),
      await fetch(`${urlOf(server)}/console/assets/index.js`),
      await fetch(`${urlOf(server)}/openapi.json`),
      await fetch(`${urlOf(server)}/docs/swagger-ui.css`),
    ];
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
    server.signal('SIGTERM');
    expect(await server.exit).toBe(0);
  });
});
