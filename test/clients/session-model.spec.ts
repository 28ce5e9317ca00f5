import { afterAll, describe, expect, it } from 'vitest';
import { removeFolders } from './support/folders.js';
import { isRecord, textOf } from './support/json.js';
import { skipReason } from './support/programs.js';
import { type RealHarness, startRig } from './support/rig.js';

const AGENTS: readonly (readonly [RealHarness, string, string, string])[] = [
  ['claude-code', 'claudecode', 'claude-sonnet-5', 'claude-opus-4-8'],
  ['codex', 'codex', 'gpt-5.5', 'gpt-6-sol'],
];

describe.skipIf(skipReason !== undefined).each(AGENTS)('%s in a session', (harness, type, first, second) => {
  afterAll(removeFolders);

  it('runs the model of an input line, and keeps the conversation when the next line has another', async () => {
    const rig = await startRig(harness);
    const session = `${rig.server.url}/api/session/api%3Amodels`;
    const post = async (rest: string, body: object): Promise<Readonly<Record<string, unknown>>> => {
      const response = await fetch(`${session}${rest}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      const answer: unknown = await response.json();
      if (!response.ok || !isRecord(answer)) throw new Error(`${rest}: ${response.status} ${JSON.stringify(answer)}`);
      return answer;
    };
    /** Runs a line with this model, and returns the requests that the model's provider got for it. */
    const run = async (text: string, model?: string) => {
      const before = rig.model.requests.length;
      const line = JSON.stringify({
        type: 'user',
        ...(model === undefined ? {} : { model }),
        message: { content: text },
      });
      const { execution_id } = await post('/execute', { input_lines: [line] });
      const events = await fetch(`${session}/events?execution_id=${textOf(execution_id)}`);
      expect(await events.text()).toContain('session.execution_completed');
      return rig.model.requests.slice(before).filter(({ userText }) => userText.includes(text));
    };
    try {
      await post('', { harness_type: type });
      const one = await run('SCENE:text the first answer', first);
      expect(one.map(({ model }) => model)).toEqual([first]);
      const two = await run('SCENE:text the second answer', second);
      expect(two.map(({ model }) => model)).toEqual([second]);
      expect(JSON.stringify(two[0]?.body)).toContain('the first answer');
      const three = await run('SCENE:text the third answer');
      expect(three.map(({ model }) => model)).toEqual([second]);
      expect(JSON.stringify(three[0]?.body)).toContain('the second answer');
    } finally {
      await rig.close();
    }
  });
});
