import type { HarnessEvent, JsonObject, ToolResultContent } from '../../../domain/harness-event.js';
import { asArray, asObject, asString, isJsonObject, parseObject } from '../../../domain/json.js';
import { progressNotice, type RunningTool } from '../../decode/progress-notice.js';
import type { AcpDialect } from '../dialects/dialect.js';
import { endAcpBlock, releaseHeld } from './blocks.js';
import { type AcpState, type AcpStep, chainSteps } from './state.js';
import { nameTool } from './tool-name.js';
import { findExitCode, toResultContent } from './tool-output.js';

/** What is known of a tool call. */
export interface AcpTool {
  /** Its id in our events. */
  readonly id: string;
  /** The agent's machine's name of it, as far as it is told. */
  readonly name: string | undefined;
  readonly kind: string | undefined;
  readonly title: string | undefined;
  readonly input: JsonObject;
  /** Output that was told piece by piece. */
  readonly output: string;
  readonly state: 'held' | 'told' | 'over';
  /** For progress notices, once it is told. */
  readonly running: RunningTool | undefined;
}

/** `tool_call` and `tool_call_update`; either may be the first that is heard of a tool. @param now milliseconds since the epoch */
export function toolUpdated(state: AcpState, update: JsonObject, now: number): AcpStep {
  const known = findTool(state, update);
  if (known?.state === 'over') return [state, []];
  const tool = learn(state.dialect, known ?? newTool(state, update), update, known === undefined);
  const status = asString(update['status']);
  const isOver = status === 'completed' || status === 'failed';
  const isTellable = isOver || status === 'in_progress' || (state.dialect.hasInputAtOnce && hasInput(tool));
  return chainSteps(
    withTool({ ...state, hasActed: true }, update, tool),
    releaseHeld,
    endAcpBlock,
    (current) => tellHeld(current, now, tool.id),
    (current) => (isTellable ? tell(current, update, now) : [current, []]),
    (current) => (isOver ? finish(current, update, status === 'failed') : progressed(current, update, now)),
  );
}

/** `toolCall` of a permission request: the tool is about to run. What its content says is meant for who decides. */
export function toolRequested(state: AcpState, toolCall: JsonObject, now: number): AcpStep {
  const known = findTool(state, toolCall);
  if (known !== undefined && known.state !== 'held') return [state, []];
  const { rawInput, content: _content, ...rest } = toolCall;
  // The input of the call itself is the better one: the request of copilot 1.0.102 has what it has parsed of it (recording copilot.tool).
  const facts =
    known !== undefined && hasInput(known) ? rest : { ...rest, ...(rawInput === undefined ? {} : { rawInput }) };
  const tool = learn(state.dialect, known ?? newTool(state, toolCall), facts, known === undefined);
  return chainSteps(
    withTool({ ...state, hasActed: true }, toolCall, tool),
    releaseHeld,
    endAcpBlock,
    (current) => tellHeld(current, now, tool.id),
    (current) => tell(current, toolCall, now),
  );
}

/** Tells calls that have an input and were held back for more of it, as the agent has gone on to something else. */
export function tellHeld(state: AcpState, now: number, except?: string): AcpStep {
  const held = [...state.tools].filter(([, tool]) => tool.state === 'held' && hasInput(tool) && tool.id !== except);
  return chainSteps(
    state,
    ...held.map(
      ([key]) =>
        (current: AcpState) =>
          tellKey(current, key, now),
    ),
  );
}

/** Ends calls that nobody answers any more, at the end of a turn. */
export function endTools(state: AcpState, now: number): AcpStep {
  const open = [...state.tools].filter(([, tool]) => tool.state !== 'over');
  return chainSteps(
    state,
    ...open.flatMap(([key, { id }]) => [
      (current: AcpState) => tellKey(current, key, now),
      (current: AcpState): AcpStep => [
        withState(current, key, 'over'),
        [{ type: 'tool-result', id, content: [{ type: 'text', text: ABANDONED }], isError: true }],
      ],
    ]),
  );
}

const ABANDONED = 'The turn ended before the tool answered.';

function findTool(state: AcpState, update: JsonObject): AcpTool | undefined {
  return state.tools.get(toKey(state.dialect, update));
}

function toKey(dialect: AcpDialect, { toolCallId }: JsonObject): string {
  return dialect.toolId(asString(toolCallId) ?? 'tool');
}

function newTool({ dialect }: AcpState, update: JsonObject): AcpTool {
  return {
    id: toKey(dialect, update),
    name: undefined,
    kind: undefined,
    title: undefined,
    input: {},
    output: '',
    state: 'held',
    running: undefined,
  };
}

function learn(dialect: AcpDialect, tool: AcpTool, update: JsonObject, isFirst: boolean): AcpTool {
  const { rawInput, title, kind, name, _meta } = update;
  const delta = asString(asObject(asObject(_meta)['terminal_output_delta'])['data']) ?? '';
  const word =
    isFirst && dialect.namesToolsByTitle && /^[\w.-]+$/.test(asString(title) ?? '') ? asString(title) : undefined;
  const input = isJsonObject(rawInput) && Object.keys(rawInput).length > 0 ? rawInput : undefined;
  return {
    ...tool,
    name: tool.name ?? asString(name) ?? dialect.toolName(update) ?? word,
    kind: asString(kind) ?? tool.kind,
    title: tool.state === 'held' ? (asString(title) ?? tool.title) : tool.title,
    input: input ?? (hasInput(tool) ? tool.input : inputOfContent(update)),
    output: tool.output + delta,
  };
}

/** The input as JSON in a call's content (recordings kimi.tool and gemini.mcp-http). */
function inputOfContent({ content, status }: JsonObject): JsonObject {
  if (status === 'completed' || status === 'failed') return {};
  const texts = asArray(content).map((part) => asString(asObject(asObject(part)['content'])['text']) ?? '');
  return parseObject(texts.join('')) ?? {};
}

function hasInput({ input }: AcpTool): boolean {
  return Object.keys(input).length > 0;
}

function withTool(state: AcpState, update: JsonObject, tool: AcpTool): AcpState {
  return { ...state, tools: new Map(state.tools).set(toKey(state.dialect, update), tool) };
}

function withState(state: AcpState, key: string, toolState: AcpTool['state']): AcpState {
  const tool = state.tools.get(key);
  return tool === undefined ? state : { ...state, tools: new Map(state.tools).set(key, { ...tool, state: toolState }) };
}

function tell(state: AcpState, update: JsonObject, now: number): AcpStep {
  return tellKey(state, toKey(state.dialect, update), now);
}

function tellKey(state: AcpState, key: string, now: number): AcpStep {
  const tool = state.tools.get(key);
  if (tool === undefined || tool.state !== 'held') return [state, []];
  const { name, server } = nameTool(tool, state);
  const running: RunningTool = { name, since: now, lastNoticeAt: now };
  const input = hasInput(tool) ? tool.input : tool.title === undefined ? {} : { title: tool.title };
  const call: HarnessEvent = { type: 'tool-call', id: tool.id, name, server, input };
  return [{ ...state, tools: new Map(state.tools).set(key, { ...tool, state: 'told', running }) }, [call]];
}

function finish(state: AcpState, update: JsonObject, hasFailed: boolean): AcpStep {
  const key = toKey(state.dialect, update);
  const tool = state.tools.get(key);
  if (tool === undefined) return [state, []];
  const content: readonly ToolResultContent[] = toResultContent(update, tool.output, state.dialect.output);
  const isError = hasFailed || (findExitCode(update) ?? 0) !== 0;
  return [withState(state, key, 'over'), [{ type: 'tool-result', id: tool.id, content, isError }]];
}

function progressed(state: AcpState, update: JsonObject, now: number): AcpStep {
  const key = toKey(state.dialect, update);
  const tool = state.tools.get(key);
  const noticed = tool?.running === undefined ? undefined : progressNotice(tool.running, now);
  if (tool === undefined || noticed === undefined) return [state, []];
  const [running, notice] = noticed;
  return [{ ...state, tools: new Map(state.tools).set(key, { ...tool, running }) }, [notice]];
}
