import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { freePort } from '../../support/free-port.js';
import type { Images } from './image.js';

/** As a cluster would run it: a read-only root, no capabilities, no new privileges. */
export const HARDENED: readonly string[] = [
  ...[
    '--network',
    'host',
    '--read-only',
    '--tmpfs',
    '/tmp',
    '--cap-drop',
    'ALL',
    '--security-opt',
    'no-new-privileges',
  ],
  // Without CAP_SYS_RESOURCE podman cannot raise its own limits.
  ...['--ulimit', 'nofile=4096:4096', '--ulimit', 'nproc=2000:2000'],
];

const KEY = randomBytes(24).toString('hex');

/** An answer of the Messages API. */
export interface ContainerAnswer {
  readonly stop_reason: string;
  readonly content: readonly {
    readonly type: string;
    readonly text?: string;
    readonly content?: readonly { readonly text: string }[];
  }[];
}

/** A server in a container. */
export class Container {
  #port = 0;

  constructor(
    private readonly images: Images,
    private readonly image: string,
    readonly name: string,
  ) {}

  /** Runs it, and waits until it is ready. `options` are podman's, `command` follows the image. */
  async start(options: readonly string[] = [], command: readonly string[] = []): Promise<void> {
    this.#port = await freePort();
    const variables = ['-e', `PORT=${this.#port}`, '-e', `CHIRON_API_KEYS=alice:${KEY}`];
    await this.images.podman(
      ...['run', '-d', '--name', this.name, ...HARDENED, ...variables, ...options, this.image, ...command],
    );
    await this.#untilReady();
  }

  /** Starts it again, once it has ended. */
  async startAgain(): Promise<void> {
    await this.images.podman('start', this.name);
    await this.#untilReady();
  }

  /** Asks for a turn, and takes the answer whole. */
  async ask(content: string, { model = 'demo', thread = 'thread' } = {}): Promise<ContainerAnswer> {
    const response = await fetch(`http://127.0.0.1:${this.#port}/v1/messages`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-api-key': KEY,
        'x-chiron-thread-key': `test:${thread}`,
        'idempotency-key': content,
      },
      body: JSON.stringify({ model, max_tokens: 100, messages: [{ role: 'user', content }] }),
    });
    const text = await response.text();
    expect([response.status, response.status === 200 ? '' : text]).toEqual([200, '']);
    return JSON.parse(text) as ContainerAnswer;
  }

  async logs(): Promise<string> {
    return this.images.podman('logs', this.name);
  }

  async #untilReady(): Promise<void> {
    const ready = async (): Promise<number | undefined> =>
      (await fetch(`http://127.0.0.1:${this.#port}/readyz`).catch(() => undefined))?.status;
    await expect.poll(ready, { timeout: 120_000 }).toBe(200);
  }
}

/** All that the tools of an answer gave back. */
export function outputOf({ content }: ContainerAnswer): string {
  return content
    .flatMap((block) => block.content ?? [])
    .map(({ text }) => text)
    .join('\n');
}

/** The text of an answer. */
export function textOf({ content }: ContainerAnswer): string {
  return content.map(({ text = '' }) => text).join('');
}
