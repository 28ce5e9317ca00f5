import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeFolders } from '../../../clients/support/folders.js';
import type { Rig } from '../../../clients/support/rig.js';
import { PIXEL } from '../../../clients/support/samples.js';
import type { RealAgent } from '../agents.js';
import { askAgent, askedSince, outputsOf, streamAgent } from '../ask.js';
import { findProcesses } from '../../../security/support.js';
import { startAgentRig } from '../rig.js';
import { sessionOf } from '../session.js';
import { TRAITS } from '../traits.js';

/** What a caller sees of turns without a fault. */
export function describeTalk(agent: RealAgent): void {
  const traits = TRAITS[agent.name];

  describe(`A thread of ${agent.name}`, () => {
    let rig: Rig;
    beforeAll(async () => {
      rig = await startAgentRig(agent);
    });
    afterAll(async () => {
      await rig.close();
      await removeFolders();
    });

    it('is one of the models that the server offers', async () => {
      const { data } = (await (await fetch(`${rig.server.url}/v1/models`)).json()) as {
        readonly data: readonly { readonly id: string }[];
      };
      expect(data.map(({ id }) => id)).toEqual(
        expect.arrayContaining(agent.models.map((model) => `${agent.name}/${model}`)),
      );
    });

    it('says what its model says, and knows it in the next turn', async () => {
      const first = await askAgent(rig, 'talk', 'SCENE:text I saw a heron', { system: 'Speak in rhymes.' });
      expect(first).toMatchObject({ status: 200, text: 'I saw a heron', stopReason: 'end_turn' });
      expect(askedSince(rig, 0)).toContain('Speak in rhymes.');
      const before = rig.model.requests.length;
      expect((await askAgent(rig, 'talk', 'SCENE:text And it saw me')).text).toBe('And it saw me');
      expect(askedSince(rig, before)).toContain('I saw a heron');
    });

    it('runs a tool, and tells what it is told of it and of its usage', async () => {
      const { blocks, usage } = await askAgent(rig, 'talk', 'SCENE:tool echo hi');
      const calls = blocks.filter(({ type }) => type === 'mcp_tool_use');
      expect(calls).toMatchObject([{ name: traits.shell, input: traits.input }]);
      expect(outputsOf(blocks)).toContain(traits.hasOutput ? 'hi' : '');
      expect(blocks.at(-1)).toMatchObject({ type: 'text', text: 'It printed "hi".' });
      // Where agents are isolated, the broker counts.
      const told = process.env['CHIRON_TEST_SANDBOX'] === undefined ? traits.usage : { cache_read_input_tokens: 600 };
      expect(usage).toMatchObject(told ?? { input_tokens: 0, output_tokens: 0 });
    });

    it('streams words as they come, until it is interrupted, and goes on', async () => {
      const stream = streamAgent(rig, 'talk', 'SCENE:slow 500 40');
      await stream.sees('word3 ');
      await sessionOf(rig, 'talk').interrupt();
      await stream.done();
      expect(stream.said).not.toContain('word499');
      expect((await askAgent(rig, 'talk', 'SCENE:text Still here')).text).toBe('Still here');
    });

    it('leaves no process of a command that is interrupted', async () => {
      const stream = streamAgent(rig, 'talk', 'SCENE:tool tail -n 654 -f /dev/null');
      await stream.sees('mcp_tool_use');
      await expect.poll(() => findProcesses('tail\u0000-n\u0000654')).not.toEqual([]);
      await sessionOf(rig, 'talk').interrupt();
      await stream.done();
      await expect.poll(() => findProcesses('tail\u0000-n\u0000654')).toEqual([]);
    });

    it('shows its model an image', async () => {
      const source = { type: 'base64', media_type: 'image/png', data: PIXEL };
      const before = rig.model.requests.length;
      const { text } = await askAgent(rig, 'talk', [
        { type: 'text', text: 'SCENE:text I see it' },
        { type: 'image', source },
      ]);
      expect(text).toBe('I see it');
      expect(askedSince(rig, before)).toContain(PIXEL);
    });

    it('works for the session API, on the same thread', async () => {
      const session = sessionOf(rig, 'talk');
      const before = rig.model.requests.length;
      const events = await session.events(await session.execute('SCENE:tool echo from the session'));
      expect(events).toContain('session.execution_completed');
      expect(events).toContain('It printed \\"from the session\\".');
      expect(askedSince(rig, before)).toContain('I saw a heron');
    });

    it.each(agent.models.slice(1))('runs the model that is asked for: %s', async (other = '') => {
      const before = rig.model.requests.length;
      const { text } = await askAgent(rig, 'other-model', 'SCENE:text Another one', {
        model: `${agent.name}/${other}`,
      });
      expect(text).toBe('Another one');
      const names = rig.model.requests.slice(before).map(({ model }) => model);
      expect(names).toContain(other.replace(/^scripted\//, ''));
    });
  });
}
