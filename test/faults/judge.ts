import type { ContentBlock, Message } from '../../src/anthropic/stream-event.js';
import type { Answered } from './caller.js';
import type { StoredTurn } from './lane.js';
import type { Scene } from './scenes.js';

/** What the suite counts. All must be 0. */
export const COUNTS = [
  'turns lost',
  'turns run twice',
  'tools run twice',
  'callers hanging',
  'messages that are not whole',
  'processes left behind',
  'stores that do not open',
  'other faults',
] as const;

/** One of the things that are counted. */
export type Count = (typeof COUNTS)[number];

/** Something that must not be. */
export interface Finding {
  readonly count: Count;
  readonly text: string;
}

/** A finding. */
export function finding(count: Count, text: string): Finding {
  return { count, text };
}

/** What is wrong with a call that was made until it had its message. */
export function judgeAnswer({ message, tries, isHanging }: Answered, scene: Scene): readonly Finding[] {
  const violations = tries.flatMap((one) => (one.kind === 'message' || one.kind === 'error' ? one.violations : []));
  const broken = violations.map((text) => finding('messages that are not whole', `grammar: ${text}`));
  if (isHanging) return [...broken, finding('callers hanging', 'the caller had no message within its patience')];
  if (message === undefined) return [...broken, finding('turns lost', 'the caller was refused for good')];
  return [...broken, ...judgeMessage({ ...message, content: withoutDeadTexts(message.content) }, scene)];
}

/** What is wrong with the turn that the store has, and with its tool. `times` is how often the tool ran. */
export function judgeTurns(turns: readonly StoredTurn[], scene: Scene, times: number): readonly Finding[] {
  const [turn] = turns;
  if (turn === undefined) return [finding('turns lost', 'the store has no turn')];
  const findings: Finding[] = [];
  if (turns.length > 1) findings.push(finding('turns run twice', `the store has ${turns.length} turns instead of one`));
  if (times > 1) findings.push(finding('tools run twice', `the tool ran ${times} times`));
  if (turn.state !== 'completed' || turn.message === null) {
    return [...findings, finding('turns lost', `the turn is ${turn.state}: ${turn.failure ?? 'no reason'}`)];
  }
  const message: Message = JSON.parse(turn.message);
  return [...findings, ...judgeMessage(message, scene), ...judgeTools(message, scene, times)];
}

function judgeMessage(
  { content, stop_reason }: Pick<Message, 'content' | 'stop_reason'>,
  scene: Scene,
): readonly Finding[] {
  const said = content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n');
  const problems: string[] = [];
  if (stop_reason !== 'end_turn') problems.push(`the stop reason is ${String(stop_reason)}`);
  const words = said.match(/word\d+/g) ?? [];
  const wanted = Array.from({ length: scene.words }, (_, index) => `word${index}`);
  if (words.join(' ') !== wanted.join(' ')) problems.push(`the words are: ${words.join(' ')}`);
  for (const pattern of scene.says) {
    const times = said.match(pattern)?.length ?? 0;
    if (times !== 1) problems.push(`${String(pattern)} is said ${times} times`);
  }
  return problems.map((problem) => finding('messages that are not whole', problem));
}

function judgeTools({ content }: Message, scene: Scene, times: number): readonly Finding[] {
  const calls = content.filter((block) => block.type === 'mcp_tool_use').map((block) => block.id);
  const results = content.filter((block) => block.type === 'mcp_tool_result');
  const findings: Finding[] = [];
  const unanswered = calls.filter((id) => !results.some((result) => result.tool_use_id === id));
  if (unanswered.length > 0)
    findings.push(finding('messages that are not whole', `${unanswered.length} calls without a result`));
  const orphans = results.filter((result) => !calls.includes(result.tool_use_id));
  if (orphans.length > 0)
    findings.push(finding('messages that are not whole', `${orphans.length} results without a call`));
  if (new Set(calls).size !== calls.length)
    findings.push(finding('messages that are not whole', 'a call is told twice'));
  if (new Set(results.map((one) => one.tool_use_id)).size !== results.length) {
    findings.push(finding('messages that are not whole', 'a result is told twice'));
  }
  const worked = results.some((result) => !result.is_error && JSON.stringify(result.content).includes('tool-is-done'));
  if (worked && times === 0)
    findings.push(finding('other faults', 'the message says that the tool ran, but it did not'));
  if (calls.length > 1) findings.push(finding('tools run twice', `the message has ${calls.length} calls`));
  if (scene.toolFile === undefined && calls.length > 0) findings.push(finding('other faults', 'a tool from nowhere'));
  return findings;
}

/** A caller that was there when an agent died has what was said until then; it is said again, whole, in a later block. */
function withoutDeadTexts(content: readonly ContentBlock[]): readonly ContentBlock[] {
  return content.filter(
    (block, index) =>
      block.type !== 'text' ||
      !content.slice(index + 1).some((later) => later.type === 'text' && later.text.startsWith(block.text)),
  );
}
