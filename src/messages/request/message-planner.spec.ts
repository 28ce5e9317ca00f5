import { describe, expect, it } from 'vitest';
import type { AppConfig } from '../../config/app-config.js';
import { recorded } from '../../clients/claude-code/__fixtures__/recorded.js';
import type { ModelCatalog } from '../../harness/models/model-catalog.js';
import { ThreadResolver } from '../../threads/thread.resolver.js';
import type { MessageThreads } from '../../turns/matching/message-threads.js';
import { parseCreateMessage } from './create-message.dto.js';
import { MessagePlanner } from './message-planner.js';
import { toMessageRequest } from './message-request.js';

const TERMINAL = { 'user-agent': 'claude-cli/2.1.330 (external, cli)' };
const PRINT = { 'user-agent': 'claude-cli/2.1.330 (external, sdk-cli)' };
const TOOLS = [{ name: 'Bash', input_schema: { type: 'object' } }];
const SCHEMA = { type: 'object', properties: { city: { type: 'string' } } };

/** The plan for a request where the models `m` and `alias` are known, and no answer of a message thread. */
function planFor(headers: Readonly<Record<string, string>>, fields: object = {}) {
  const models: Pick<ModelCatalog, 'answeredModel'> = {
    answeredModel: (model) => ({ m: 'm', alias: 'm' })[model],
  };
  const config: Pick<AppConfig, 'toolBlocks' | 'toolOutputLimit' | 'callerSystem' | 'callerTools'> = {
    toolBlocks: 'auto',
    toolOutputLimit: 9,
    callerSystem: 'append',
    callerTools: 'auto',
  };
  const planner = new MessagePlanner(
    new ThreadResolver(),
    {} as MessageThreads,
    models as ModelCatalog,
    config as AppConfig,
  );
  const body = parseCreateMessage({
    model: 'm',
    max_tokens: 9,
    messages: [{ role: 'user', content: 'hi' }],
    ...fields,
  });
  return planner.plan(
    { tenant: 't', role: 'user', keyId: undefined, subject: undefined, policies: [] },
    toMessageRequest((name) => headers[name], body),
  );
}

describe('the answer to a turn', () => {
  it.each([
    [TERMINAL, 'text', true],
    [PRINT, 'mcp', true],
    [{}, 'mcp', false],
  ])('has the form that its client shows best: %j', async (headers, toolBlocks, isClaudeCode) => {
    expect(await planFor(headers, { tools: TOOLS })).toMatchObject({
      kind: 'turn',
      turn: { hasHistory: isClaudeCode },
      options: { hasHardTimeout: isClaudeCode, presentation: { toolBlocks, endsInText: isClaudeCode } },
    });
  });

  it('has the form that the request names, unless it is JSON, which text blocks would break', async () => {
    const headers = { 'x-chiron-tool-blocks': 'text' };
    const output_config = { format: { type: 'json_schema', schema: SCHEMA } };
    expect(await planFor(headers)).toMatchObject({ options: { presentation: { toolBlocks: 'text' } } });
    expect(await planFor(headers, { output_config })).toMatchObject({
      turn: { outputSchema: SCHEMA },
      options: { presentation: { toolBlocks: 'mcp' } },
    });
    await expect(planFor({ 'x-chiron-tool-blocks': 'nonsense' })).rejects.toThrow(/^x-chiron-tool-blocks: must be one/);
  });

  it('is a call of Claude Code’s tool for it, and of another client’s tool only if the request forces it', async () => {
    const tools = [{ name: 'StructuredOutput', input_schema: SCHEMA }];
    const plans = [planFor(PRINT, { tools }), planFor({}, { tools })];
    expect(await Promise.all(plans)).toMatchObject([
      { turn: { outputSchema: SCHEMA }, options: { forcedCall: { kind: 'tool', name: 'StructuredOutput' } } },
      { turn: { outputSchema: undefined }, options: { forcedCall: undefined } },
    ]);
    const forced = await planFor({}, { tools, tool_choice: { type: 'any' } });
    expect(forced).toMatchObject({ options: { forcedCall: { kind: 'tool', name: 'StructuredOutput' } } });
  });

  it.each([TERMINAL, {}])(
    'interrupts the one before when the user did, whichever client says so: %j',
    async (headers) => {
      const messages = [
        { role: 'user', content: '[Request interrupted by user]' },
        { role: 'user', content: 'again' },
      ];
      expect(await planFor(headers, { messages, tools: TOOLS })).toMatchObject({ turn: { interrupts: true } });
    },
  );
});

describe('a request that takes no turn', () => {
  it('has the name of the model that would have answered', async () => {
    const { messages, output_config } = recorded('side-title').body;
    expect(await planFor(TERMINAL, { model: 'alias', messages, output_config })).toMatchObject({
      kind: 'answer',
      threadKey: expect.stringMatching(/^side:/) as string,
      message: { model: 'm', stop_reason: 'end_turn' },
    });
  });

  it('is refused for an unknown model', async () => {
    await expect(planFor({}, { model: 'x', max_tokens: 1 })).rejects.toThrow(/x/);
  });

  it('is refused if it is a side request that continues a message thread', async () => {
    const thread = { type: 'continue', previous_message_id: 'msg_1' };
    const headers = { ...TERMINAL, 'x-claude-code-agent-id': 'a' };
    await expect(planFor(headers, { thread })).rejects.toThrow(
      'thread.previous_message_id: no thread has this message',
    );
  });
});
