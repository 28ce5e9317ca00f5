import { Anthropic } from 'sdk-1';
import { betaTool } from 'sdk-1/helpers/beta/json-schema';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { removeFolders } from './support/folders.js';
import { type LendingRig, type Piece, startLendingRig } from './support/lending-rig.js';
import { threadProcesses } from './support/processes.js';
import { skipReason } from './support/programs.js';
import { MODEL, said } from './support/sdk.js';
import { turnsOf } from './support/turns.js';

const KEY = 'test:lending';
const WEATHER: Anthropic.Tool = {
  name: 'weather',
  description: 'The weather of a city.',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};

const weatherIn = (city: string, id: string): Piece => ({ tool: 'weather', id, input: { city } });

describe.skipIf(skipReason !== undefined).each(['claude-code', 'codex'] as const)(
  'the tools of a caller of %s',
  (harness) => {
    let rig: LendingRig;

    afterEach(() => rig.close());
    afterAll(removeFolders);

    const client = () =>
      new Anthropic({
        apiKey: 'none',
        baseURL: rig.server().url,
        maxRetries: 0,
        defaultHeaders: { 'x-chiron-thread-key': KEY },
      });

    const send = (content: Anthropic.MessageParam['content']) =>
      client().messages.create({
        model: MODEL,
        max_tokens: 1000,
        messages: [{ role: 'user', content }],
        tools: [WEATHER],
      });

    const resultsOf = (...texts: readonly (readonly [string, string, boolean?])[]): Anthropic.ToolResultBlockParam[] =>
      texts.map(([id, content, isError = false]) => ({
        type: 'tool_result',
        tool_use_id: id,
        content,
        is_error: isError,
      }));

    const callsIn = (message: Anthropic.Message) =>
      message.content.flatMap((block) => (block.type === 'tool_use' ? [[block.id, block.name, block.input]] : []));

    it('are run by the tool runner of the SDK, in parallel and in rounds, between the agent’s own', async () => {
      rig = await startLendingRig(harness, [
        [{ shell: 'echo before', id: 'call_own' }],
        [{ text: 'Let me look.' }, weatherIn('Paris', 'call_1'), weatherIn('Rome', 'call_2')],
        [weatherIn('Oslo', 'call_3')],
        [{ text: 'Sunny, but in Oslo.' }],
      ]);
      const ran: string[] = [];
      const tool = betaTool({
        name: 'weather',
        description: 'The weather of a city.',
        inputSchema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
        run: ({ city }) => {
          ran.push(city);
          if (city === 'Oslo') throw new Error('no forecast');
          return `sunny in ${city}`;
        },
      });
      const last = await client()
        .beta.messages.toolRunner({
          model: MODEL,
          max_tokens: 1000,
          messages: [{ role: 'user', content: 'What is the weather?' }],
          tools: [tool],
          stream: harness === 'codex',
        })
        .runUntilDone();
      expect(ran).toEqual(['Paris', 'Rome', 'Oslo']);
      expect(said(last)).toContain('Sunny, but in Oslo.');
      expect(last.stop_reason).toBe('end_turn');
      expect(rig.requests()).toBe(4);
      const [own, ...results] = rig.results();
      expect(own).toMatch(/^call_own: before/);
      // Calls in parallel, so the results may come in any order.
      expect([...results.slice(0, 2)].sort()).toEqual(['call_1: sunny in Paris', 'call_2: sunny in Rome']);
      expect(results[2]).toMatch(/^call_3: .*no forecast/s);
      expect(await turnsOf(rig.server(), KEY)).toHaveLength(3);
    });

    it('are answered after the server was killed and started again, each call once', async () => {
      rig = await startLendingRig(harness, [
        [weatherIn('Paris', 'call_1'), weatherIn('Rome', 'call_2')],
        [{ text: 'Thank you.' }],
      ]);
      const parked = await send('What is the weather?');
      expect(parked.stop_reason).toBe('tool_use');
      expect(callsIn(parked)).toEqual([
        ['call_1', 'weather', { city: 'Paris' }],
        ['call_2', 'weather', { city: 'Rome' }],
      ]);
      await rig.restart();
      const answer = await send(resultsOf(['call_2', 'rain', true], ['call_1', 'sun']));
      expect(said(answer)).toContain('Thank you.');
      expect(rig.results()).toEqual(
        expect.arrayContaining([expect.stringMatching(/^call_1: .*sun$/s), expect.stringMatching(/^call_2: .*rain$/s)]),
      );
    });

    it('are answered after the process that waited was stopped', async () => {
      rig = await startLendingRig(harness, [[weatherIn('Paris', 'call_1')], [{ text: 'Thank you.' }]], {
        CHIRON_PARKED_SECONDS: '1',
      });
      await send('What is the weather?');
      await eventually(() => threadProcesses(rig.server().dataDirectory)).toEqual([]);
      const answer = await send(resultsOf(['call_1', 'sun']));
      expect(said(answer)).toContain('Thank you.');
      expect(rig.results()).toEqual(['call_1: sun']);
      expect(rig.requests()).toBe(2);
    });

    it('are not run when the caller says something else: the agent is told so', async () => {
      rig = await startLendingRig(harness, [[weatherIn('Paris', 'call_1')], [{ text: 'As you like.' }]]);
      await send('What is the weather?');
      const answer = await send('Never mind');
      expect(said(answer)).toContain('As you like.');
      expect(rig.results()).toHaveLength(1);
      expect(rig.results()[0]).toMatch(/^call_1: .*did not run this tool/s);
    });
  },
);
