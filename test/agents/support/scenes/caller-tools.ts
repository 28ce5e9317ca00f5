import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { removeFolders } from '../../../clients/support/folders.js';
import { textOf } from '../../../clients/support/json.js';
import { startMcpServer } from '../../../clients/support/mcp-server.js';
import type { Rig } from '../../../clients/support/rig.js';
import type { RealAgent } from '../agents.js';
import { askAgent, askedSince } from '../ask.js';
import { startAgentRig } from '../rig.js';
import { TRAITS } from '../traits.js';

const WEATHER = {
  name: 'weather',
  description: 'The weather of a city.',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};

/** What a caller sees that lends an agent its tools. */
export function describeCallerTools(agent: RealAgent): void {
  const { mcpTool } = TRAITS[agent.name];
  if (mcpTool === undefined) return;
  const tool = mcpTool.replace('docs', 'caller').replace('find', 'weather');

  describe(`A caller that lends ${agent.name} a tool`, () => {
    let rig: Rig;
    afterEach(() => rig.close());
    afterAll(removeFolders);

    const send = (content: string | readonly object[]) => askAgent(rig, 'lent', content, { tools: [WEATHER] });
    /** The id of the only call. */
    const askForWeather = async (): Promise<string> => {
      const { blocks, stopReason } = await send(`SCENE:use ${tool} {"city":"Paris"}`);
      expect(stopReason).toBe('tool_use');
      const called = blocks.filter(({ type }) => type !== 'text');
      expect(called).toMatchObject([{ type: 'tool_use', name: 'weather', input: { city: 'Paris' } }]);
      return textOf(called[0]?.['id']);
    };

    it('runs it, and the agent goes on with its result; then it has a server of the caller’s instead', async () => {
      rig = await startAgentRig(agent, { CHIRON_CALLER_MCP: 'on' }, agent.mcpEntry);
      const id = await askForWeather();
      const before = rig.model.requests.length;
      const { text, stopReason } = await send([{ type: 'tool_result', tool_use_id: id, content: 'sunny' }]);
      expect([text, stopReason]).toEqual([expect.stringContaining('sunny'), 'end_turn']);
      expect(askedSince(rig, before)).toContain('sunny');
      // The loopback interface of an isolated agent is not that of the machine.
      if (process.env['CHIRON_TEST_SANDBOX'] !== undefined) return;
      const docs = await startMcpServer(['find']);
      const server = { type: 'url', name: 'docs', url: docs.url, authorization_token: 'a-token-of-the-caller' };
      const answer = await askAgent(rig, 'lent', `SCENE:use ${mcpTool} {}`, { mcp_servers: [server] });
      await docs.close();
      expect([answer.status, docs.calls]).toEqual([200, ['find']]);
      expect(docs.headers.every(({ authorization }) => authorization === 'Bearer a-token-of-the-caller')).toBe(true);
      expect(answer.text).toContain('find was here');
    });

    // Most presets allow them.
    it.each(agent.mcpEntry === undefined ? [] : [400])(
      'is refused with %i where the deployment has not allowed MCP servers',
      async (refused) => {
        rig = await startAgentRig(agent);
        const { status, body } = await send('SCENE:text hi');
        expect([status, JSON.stringify(body)]).toEqual([refused, expect.stringContaining('tools')]);
        expect(rig.model.requests).toEqual([]);
      },
    );

    it('brings its result after the server was killed', async () => {
      rig = await startAgentRig(agent, {}, agent.mcpEntry);
      const id = await askForWeather();
      await rig.server.kill();
      rig = await rig.startAgain();
      const before = rig.model.requests.length;
      const { status } = await send([
        { type: 'tool_result', tool_use_id: id, content: 'sunny' },
        { type: 'text', text: 'SCENE:text I see' },
      ]);
      expect(status).toBe(200);
      expect(askedSince(rig, before)).toContain('sunny');
    });
  });
}
