import type { HarnessEvent } from '../../../domain/harness-event.js';
import type { ProviderFailure } from '../../failures/provider-failure.js';
import type { AcpDialect } from '../dialects/dialect.js';
import { type AcpUsageState, initialAcpUsage } from '../tokens/turn-usage.js';
import type { AcpTool } from './tools.js';

/** The text or thinking block that is being streamed; the protocol has no end of a block. */
export interface AcpBlock {
  readonly kind: 'text' | 'thinking';
  /** Its name in our events. */
  readonly id: string;
  /** The agent's name of its message, if it has one. */
  readonly messageId: string | undefined;
}

/** A chunk that may be why the turn failed; it is if nothing follows. */
export interface HeldText {
  readonly text: string;
  readonly messageId: string | undefined;
}

/** Decoder state between updates. */
export interface AcpState {
  readonly dialect: AcpDialect;
  /** Names of the MCP servers that the session was given. */
  readonly mcpServers: readonly string[];
  /** What the generated names of this attempt begin with, so that they are unique in the turn. */
  readonly prefix: string;
  /** How many blocks and plans were named in this attempt. */
  readonly named: number;
  readonly block: AcpBlock | undefined;
  /** The calls of the turn by their ids. */
  readonly tools: ReadonlyMap<string, AcpTool>;
  readonly held: HeldText | undefined;
  /** The text after the agent's mark of a failed turn; `undefined` without the mark. */
  readonly failure: string | undefined;
  /** Whether the agent has said or done anything in this turn. */
  readonly hasActed: boolean;
  /** The plan that was emitted last, as text. */
  readonly plan: string;
  readonly usage: AcpUsageState;
}

/** The effect of an update: the next state and the events to emit. */
export type AcpStep = readonly [AcpState, readonly HarnessEvent[]];

/** Before the first turn of a process. */
export function initialAcpState(
  dialect: AcpDialect,
  known: { readonly model: string; readonly mcpServers: readonly string[] },
): AcpState {
  return {
    dialect,
    mcpServers: known.mcpServers,
    prefix: '1',
    named: 0,
    block: undefined,
    tools: new Map(),
    held: undefined,
    failure: undefined,
    hasActed: false,
    plan: '',
    usage: initialAcpUsage(known.model),
  };
}

/** At the beginning of an attempt of a turn. */
export function beginAcpTurn(state: AcpState, attempt: number): AcpState {
  const { usage, dialect, mcpServers } = state;
  return { ...initialAcpState(dialect, { model: usage.model, mcpServers }), prefix: String(attempt), usage };
}

/** Runs steps one after the other. */
export function chainSteps(state: AcpState, ...steps: readonly ((state: AcpState) => AcpStep)[]): AcpStep {
  const events: HarnessEvent[] = [];
  let current = state;
  for (const step of steps) {
    const [next, emitted] = step(current);
    current = next;
    events.push(...emitted);
  }
  return [current, events];
}

/** The end of a turn that failed. */
export function failedTurn(failure: ProviderFailure): HarnessEvent {
  return { type: 'turn-failed', ...failure };
}
