import type { InputEntry } from '../../request/read-input.js';

/** What Codex sends as messages of its user that the user did not write: whole texts in these tags. [Codex 0.169.0] */
const OWN_TAGS = [
  'environment_context',
  'user_instructions',
  'INSTRUCTIONS',
  'skill',
  'skills_instructions',
  'turn_aborted',
];
const OWN_TEXT = new RegExp(`^<(${OWN_TAGS.join('|')})>[\\s\\S]*</\\1>$`);
const AGENTS_FILE = /^# AGENTS\.md instructions[^\n]*\n\s*<INSTRUCTIONS>[\s\S]*<\/INSTRUCTIONS>$/;

/**
 * What Codex tells its own agent of the user's machine, and the mode in which it begins. They stand behind the conversation of a session that it
 * resumes without having them in its record. Another mode, such as planning, is for any agent. [Codex 0.169.0]
 */
const OWN_INSTRUCTIONS =
  /^<(skills_instructions|permissions instructions|multi_agent_role|multi_agent_mode)>[\s\S]*<\/\1>$|^<collaboration_mode># Collaboration Mode: Default[\s\S]*<\/collaboration_mode>$/;

const ABORTED = '<turn_aborted>';
/** The beginnings of messages after which a new part of the conversation begins. [Codex 0.169.0] */
const SUMMARY = 'Another language model started to solve this problem';
const SIDE_BOUNDARY = 'Side conversation boundary.';

/** Removes a text that Codex added by itself. */
export function withoutCodexMarkup(text: string): string {
  const trimmed = text.trim();
  return OWN_TEXT.test(trimmed) || AGENTS_FILE.test(trimmed) ? '' : text;
}

/** Removes what Codex tells its own agent of the user's machine. */
export function withoutOwnInstructions(entries: readonly InputEntry[]): readonly InputEntry[] {
  return entries.flatMap((entry) => {
    if (entry.role !== 'instructions') return [entry];
    const blocks = entry.blocks.filter((block) => block.type !== 'text' || !OWN_INSTRUCTIONS.test(block.text.trim()));
    return blocks.length === 0 ? [] : [{ ...entry, blocks }];
  });
}

/** Whether an entry says that the user interrupted the turn before it. */
export function isAbortMark(entry: InputEntry): boolean {
  return startsWith(entry, ABORTED);
}

/** Whether an entry is the summary by which Codex replaced older ones. */
export function isCompactionSummary(entry: InputEntry): boolean {
  return startsWith(entry, SUMMARY);
}

/**
 * Makes entries of the agent out of those of Codex's own that divide the user's messages: behind them the user speaks anew. A summary keeps
 * its text, as the earlier conversation for an agent that has no record of it.
 */
export function divideUserMessages(entries: readonly InputEntry[]): readonly InputEntry[] {
  return entries.map((entry) => {
    if (entry.role !== 'user') return entry;
    if (isCompactionSummary(entry)) return { ...entry, role: 'assistant' };
    return isAbortMark(entry) || startsWith(entry, SIDE_BOUNDARY) ? { ...entry, role: 'assistant', blocks: [] } : entry;
  });
}

function startsWith(entry: InputEntry, text: string): boolean {
  if (entry.role === 'reference') return false;
  const [first] = entry.blocks;
  return first?.type === 'text' && first.text.startsWith(text);
}
