import { applyDecorators } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import { JsonResponseDocs } from '../openapi/operation.js';
import {
  BOOLEAN,
  described,
  INTEGER,
  list,
  nullable,
  object,
  oneOfTexts,
  ref,
  type Schema,
  TEXT,
  TIME,
} from '../openapi/schema.js';
import { AdminDocs, EXAMPLE_TENANT } from './admin-docs.js';
import { DEFAULT_PAGE, MAX_PAGE } from './dto/admin-query.js';
import type { NodeView, UnfinishedTurnView } from './node-views.js';

const EXAMPLE_NODE: NodeView = {
  id: '0c8e1a52-9f0e-4b3c-8a53-6a0d5f4f7d11',
  name: 'worker-1',
  role: 'worker',
  state: 'up',
  started_at: '2026-06-23T08:00:00.000Z',
  last_heartbeat_at: '2026-06-23T18:16:26.123Z',
  heartbeat_age_ms: 840,
  running_turns: 1,
  waiting_turns: 0,
  slots: 100,
  is_disk_low: false,
};

const EXAMPLE_TURN: UnfinishedTurnView = {
  turn_id: '9b1d6f3e-0c2a-4d5b-8e7f-6a5b4c3d2e1f',
  tenant: EXAMPLE_TENANT.name,
  thread_key: 'api:demo-1',
  harness: 'claude-code',
  state: 'running',
  attempt: 1,
  node: EXAMPLE_NODE.id,
  created_at: '2026-06-23T18:16:26.123Z',
  started_at: '2026-06-23T18:16:26.130Z',
};

/** The component schemas of servers and of the turns on them. */
export const NODE_SCHEMAS: Readonly<Record<string, Schema>> = {
  Node: object({
    id: TEXT,
    name: described('`CHIRON_NODE_NAME`, or the name of its machine.', TEXT),
    role: oneOfTexts('all', 'gateway', 'worker'),
    state: described(
      '`draining`: takes no new turns; `stopped`: ended in order; `lost`: given up by the others.',
      oneOfTexts('up', 'draining', 'stopped', 'lost'),
    ),
    started_at: TIME,
    last_heartbeat_at: described('Of a stopped server, when it stopped.', TIME),
    heartbeat_age_ms: described('How long ago that is, by the clock of the store.', INTEGER),
    running_turns: described('As of the last heartbeat.', INTEGER),
    waiting_turns: described('As of the last heartbeat.', INTEGER),
    slots: described('How many turns may run at once.', INTEGER),
    is_disk_low: described('Whether it takes no new threads, as its disk is almost full.', BOOLEAN),
  }),
  UnfinishedTurn: object({
    turn_id: described('As logs have it.', TEXT),
    tenant: TEXT,
    thread_key: TEXT,
    harness: TEXT,
    state: oneOfTexts('queued', 'running'),
    attempt: described('0 until it runs; more than 1 after its agent or its server died.', INTEGER),
    node: described(
      'The id of the server that runs it, or that it waits on; `null` while no server has its thread.',
      nullable(TEXT),
    ),
    created_at: TIME,
    started_at: nullable(TIME),
  }),
};

/** `GET /api/admin/nodes` in the OpenAPI document. */
export function ListNodesDocs(): MethodDecorator {
  return applyDecorators(
    AdminDocs({
      id: 'listNodes',
      summary: 'List the servers',
      description:
        'Those that share the store, the living ones first, each as of its last heartbeat. A server on SQLite is the only one.',
    }),
    JsonResponseDocs({
      description: 'All servers that the store knows.',
      schema: object({ data: list(ref('Node')) }),
      example: { data: [EXAMPLE_NODE] },
    }),
  );
}

/** `GET /api/admin/turns` in the OpenAPI document. */
export function ListUnfinishedTurnsDocs(): MethodDecorator {
  return applyDecorators(
    AdminDocs({
      id: 'listUnfinishedTurns',
      summary: 'List the turns that run or wait, and where',
      description: 'Of all tenants: those that run before those that wait, each oldest first. Nothing of what is said.',
    }),
    ApiQuery({
      name: 'limit',
      required: false,
      description: 'Most turns that are listed.',
      schema: { type: 'integer', minimum: 1, maximum: MAX_PAGE, default: DEFAULT_PAGE },
    }),
    JsonResponseDocs({
      description: 'The turns; `total` counts also those that are not listed.',
      schema: object({ data: list(ref('UnfinishedTurn')), total: INTEGER }),
      example: { data: [EXAMPLE_TURN], total: 1 },
    }),
  );
}
