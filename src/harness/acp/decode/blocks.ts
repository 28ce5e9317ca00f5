import type { JsonObject } from '../../../domain/harness-event.js';
import { asObject, asString } from '../../../domain/json.js';
import { countCall } from '../tokens/turn-usage.js';
import { type AcpBlock, type AcpState, type AcpStep, chainSteps } from './state.js';

/** A chunk of agent text. */
export function agentText(state: AcpState, update: JsonObject): AcpStep {
  const { content, messageId } = update;
  const text = asString(asObject(content)['text']) ?? '';
  const called = (current: AcpState): AcpStep => [current, countCall(current.usage, current.dialect.usage, update)];
  const said = (current: AcpState): AcpStep => saidText(current, text, asString(messageId), update);
  return chainSteps(state, said, called);
}

function saidText(state: AcpState, text: string, messageId: string | undefined, update: JsonObject): AcpStep {
  // Some are empty, and carry something in `_meta` (recording qwen.text).
  if (text === '') return [state, []];
  if (state.failure !== undefined) return [{ ...state, failure: state.failure + text }, []];
  // A chunk in the middle of a text is a part of it, whatever it begins with.
  const remark = isOpen(state, 'text', messageId) ? undefined : state.dialect.remark(text, update);
  switch (remark) {
    case 'retrying':
    case 'notice': {
      const kind = remark === 'retrying' ? 'retrying' : 'progress';
      return chainSteps(state, releaseHeld, (current) => [
        current,
        [{ type: 'notice', kind, message: text.replace(/^Info: /, '').trim() }],
      ]);
    }
    case 'failure':
      return chainSteps(state, releaseHeld, endAcpBlock, (current) => [{ ...current, held: { text, messageId } }, []]);
    case undefined:
      return chainSteps(state, releaseHeld, (current) => streamed(current, 'text', text, messageId));
    default:
      return remark satisfies never;
  }
}

/** A chunk of thinking. */
export function agentThought(state: AcpState, { content, messageId }: JsonObject): AcpStep {
  const text = asString(asObject(content)['text']) ?? '';
  // codex-acp 2.6.0 begins with two line ends (recording codex.tool).
  const shown = isOpen(state, 'thinking', asString(messageId)) ? text : text.replace(/^\n+/, '');
  if (shown === '') return [state, []];
  return chainSteps(state, releaseHeld, (current) => streamed(current, 'thinking', shown, asString(messageId)));
}

function streamed(state: AcpState, kind: AcpBlock['kind'], text: string, messageId: string | undefined): AcpStep {
  const type = kind === 'text' ? 'text-delta' : 'thinking-delta';
  if (isOpen(state, kind, messageId) && state.block !== undefined) {
    return [{ ...state, hasActed: true }, [{ type, id: state.block.id, text }]];
  }
  return chainSteps(state, endAcpBlock, (current) => {
    const block: AcpBlock = { kind, messageId, id: `${kind}-${current.prefix}-${current.named}` };
    return [{ ...current, block, named: current.named + 1, hasActed: true }, [{ type, id: block.id, text }]];
  });
}

function isOpen({ block }: AcpState, kind: AcpBlock['kind'], messageId: string | undefined): boolean {
  return block?.kind === kind && block.messageId === messageId;
}

/** Ends the open block, if there is one. */
export function endAcpBlock(state: AcpState): AcpStep {
  if (state.block === undefined) return [state, []];
  return [{ ...state, block: undefined }, [{ type: 'block-end', id: state.block.id }]];
}

/** Something follows a text that could have been the reason of a failure: it was an answer. */
export function releaseHeld(state: AcpState): AcpStep {
  const { held } = state;
  if (held === undefined) return [state, []];
  return streamed({ ...state, held: undefined }, 'text', held.text, held.messageId);
}
