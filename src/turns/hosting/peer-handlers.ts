import type { PeerServer } from '../../cluster/peer-server.js';
import type { JsonObject } from '../../domain/harness-event.js';
import { asNumber, asObject, asObjects, asString, asStrings } from '../../domain/json.js';
import type { McpServer } from '../../domain/mcp-server.js';
import { ServiceError } from '../../domain/service-error.js';
import type { FirstTurnNeeds } from '../../harness/harness.js';
import type { EventLog } from '../../storage/event-log/event-log.js';
import type { ThreadStore } from '../../storage/stores/thread.store.js';
import type { Recovery } from './recovery.js';
import { PEER_CALLS } from './cluster-thread-host.js';
import { FEED } from './cluster-log.js';
import type { LocalThreadHost } from './local-thread-host.js';
import type { SpareRequest } from './thread-host.js';

/** What the calls of other servers reach. */
export interface PeerServices {
  readonly local: LocalThreadHost;
  readonly recovery: Recovery;
  readonly log: EventLog;
  readonly threads: ThreadStore;
}

/** Answers the calls of other servers about the threads that this one has. */
export function answerPeers(server: PeerServer, { local, recovery, log, threads }: PeerServices): void {
  server.handle(PEER_CALLS.startEarly, async (body) => {
    const thread = await threads.byId(text(body, 'threadId'));
    if (thread !== undefined) await local.startEarly(thread);
    return true;
  });
  server.handle(
    PEER_CALLS.claimSpare,
    async (body) => (await local.chooseForNew(readSpareRequest(body))).spareId ?? null,
  );
  server.handle(PEER_CALLS.releaseSpare, async (body) => {
    await local.releaseSpare({ node: undefined, spareId: text(body, 'spareId') });
    return true;
  });
  server.handle(PEER_CALLS.submit, async (body) => recovery.take(text(body, 'turnId'), readMcpServers(body)));
  server.handle(PEER_CALLS.interrupt, (body) =>
    local.interrupt({ id: text(body, 'turnId'), threadId: text(body, 'threadId') }),
  );
  server.handle(PEER_CALLS.stopThread, async (body) => {
    await local.stopThread(text(body, 'threadId'));
    return true;
  });
  server.handle(PEER_CALLS.stopProcess, async (body) => {
    await local.stopProcess(text(body, 'threadId'));
    return true;
  });
  server.handle(PEER_CALLS.removeFiles, async (body) => {
    await local.removeFiles(text(body, 'threadId'));
    return true;
  });
  server.handle(PEER_CALLS.split, async (body) => {
    const [branch, point] = [asObject(body['branch']), asObject(body['point'])];
    await local.split(
      text(body, 'threadId'),
      { id: text(branch, 'id'), key: text(branch, 'key'), metadata: asObject(branch['metadata']) },
      { fromSequence: asNumber(point['fromSequence']) ?? NaN, metadata: asObject(point['metadata']) },
      asNumber(body['lastSequence']) ?? 0,
    );
    return true;
  });
  server.handle(PEER_CALLS.remembers, (body) =>
    local.remembers({
      id: text(body, 'threadId'),
      harness: text(body, 'harness'),
      sessionId: asString(body['sessionId']),
      node: undefined,
    }),
  );
  server.handle(PEER_CALLS.canSteer, async (body) => (await local.canSteer(text(body, 'threadId'))) ?? null);
  server.handle(PEER_CALLS.steer, async (body) => {
    await local.steer(text(body, 'threadId'));
    return true;
  });
  server.stream(FEED, (body, flow) => log.feed(text(body, 'turnId'), flow));
}

function readSpareRequest(body: JsonObject): SpareRequest {
  const needs = asObject(body['needs']);
  const has = (name: keyof FirstTurnNeeds): boolean => needs[name] !== false;
  return {
    harness: text(body, 'harness'),
    tools: text(body, 'tools') === 'none' ? 'none' : 'all',
    needs: {
      hasOutputSchema: has('hasOutputSchema'),
      hasCallerTools: has('hasCallerTools'),
      hasMcpServers: has('hasMcpServers'),
      hasSeed: has('hasSeed'),
    },
  };
}

function text(body: JsonObject, name: string): string {
  const value = asString(body[name]);
  if (value === undefined) throw new ServiceError('bad_request', `${name} is missing: servers of different versions`);
  return value;
}

function readMcpServers(body: JsonObject): readonly McpServer[] {
  return asObjects(body['mcpServers']).map((server) => {
    const headers = Object.entries(asObject(server['headers'])).flatMap(([name, value]) =>
      typeof value === 'string' ? [[name, value] as const] : [],
    );
    const base = { name: text(server, 'name'), url: text(server, 'url'), headers: Object.fromEntries(headers) };
    return {
      ...base,
      allowedTools: server['allowedTools'] === undefined ? undefined : asStrings(server['allowedTools']),
    };
  });
}
