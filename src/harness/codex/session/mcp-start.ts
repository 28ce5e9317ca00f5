import type { JsonObject } from '../../../domain/harness-event.js';
import { asObject, asString } from '../../../domain/json.js';
import type { AppServer } from '../app-server/app-server.js';

/** How long the servers may take; Codex 0.169.0 gives up before. */
const START_LIMIT_MS = 30_000;

/** Servers that are being started. */
export interface McpStart {
  /** Resolves to the names of those that did not start, once each of them has started or failed. */
  readonly done: Promise<readonly string[]>;
}

/**
 * Follows the start of MCP servers; call it before the conversation is opened. Codex 0.169.0 calls the model without the tools of a server
 * that takes more than a second (seen): a turn that was given the server has to wait for it.
 */
export function followMcpStart(server: AppServer, names: readonly string[]): McpStart {
  const starting = new Set(names);
  const failed = new Set<string>();
  if (starting.size === 0) return { done: Promise.resolve([]) };
  const done = new Promise<readonly string[]>((resolve) => {
    const finish = (): void => {
      clearTimeout(limit);
      following.unsubscribe();
      resolve([...failed, ...starting]);
    };
    const limit = setTimeout(finish, START_LIMIT_MS);
    const following = server.messages$.subscribe({
      next: (batch) => {
        for (const message of batch) {
          const { name, status } = readStatus(message);
          if (name === undefined || status === 'starting' || !starting.delete(name)) continue;
          if (status !== 'ready') failed.add(name);
        }
        if (starting.size === 0) finish();
      },
      complete: finish,
    });
  });
  return { done };
}

function readStatus({ method, params }: JsonObject): {
  readonly name?: string | undefined;
  readonly status?: string | undefined;
} {
  if (method !== 'mcpServer/startupStatus/updated') return {};
  const { name, status } = asObject(params);
  return { name: asString(name), status: asString(status) };
}
