import type { HarnessEvent, JsonValue } from '../../../domain/harness-event.js';
import { parseCodexFailure } from './failure.js';
import { asObject, asString } from '../../../domain/json.js';

type TurnEnd = Extract<HarnessEvent, { readonly type: 'turn-end' }>;

/**
 * The end that an error of Codex 0.169.0 stands for, as Anthropic has it: a refusal, or an answer that was cut; `undefined` for a
 * failure. What is only in the words is `codexErrorInfo: other` (seen).
 */
export function toTurnEnd(error: JsonValue | undefined): TurnEnd | undefined {
  const fields = asObject(error);
  switch (fields['codexErrorInfo']) {
    case 'cyberPolicy':
      return refused('cyber', parseCodexFailure(error).message);
    case 'misalignmentPolicyViolation': {
      const explanation = asString(asObject(fields['misalignment'])['detailedExplanation']);
      return refused(null, explanation ?? parseCodexFailure(error).message);
    }
    default:
      return stopInWords(asString(fields['message']) ?? asString(error) ?? '');
  }
}

function stopInWords(message: string): TurnEnd | undefined {
  switch (/Incomplete response returned, reason: (\w+)/.exec(message)?.[1]) {
    case 'content_filter':
      return refused(null, null);
    case 'max_output_tokens':
      return { type: 'turn-end', reason: 'max_tokens' };
    default:
      return undefined;
  }
}

function refused(category: string | null, explanation: string | null): TurnEnd {
  return { type: 'turn-end', reason: 'refusal', refusal: { category, explanation } };
}
