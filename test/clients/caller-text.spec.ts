import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { lastValueFrom, tap } from 'rxjs';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../src/domain/harness-event.js';
import { removeFolders } from './support/folders.js';
import { type HarnessRig, runTurn, startHarnessRig, textsOf, turnOf } from './support/harness-rig.js';
import { isRecord, recordsOf, textOf } from './support/json.js';
import { CLAUDE_CODES, skipReason } from './support/programs.js';

Logger.overrideLogger(false);

let rig: HarnessRig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});
afterAll(removeFolders);

/** The exact texts that the model was told with its newest request. */
function toldTexts({ model }: HarnessRig): readonly string[] {
  const body = model.requests.at(-1)?.body;
  const turns = isRecord(body) ? [...recordsOf(body['messages']), ...recordsOf(body['input'])] : [];
  return turns.flatMap(({ content }) =>
    typeof content === 'string' ? [content] : recordsOf(content).map((block) => textOf(block['text'])),
  );
}

/** A skill, a command and a file in the workspace that a text can name. */
async function tempt({ folders }: HarnessRig): Promise<void> {
  for (const root of [join(folders.workspace, '.claude'), join(folders.home, '.codex')]) {
    await mkdir(join(root, 'skills', 'tempting'), { recursive: true });
    const skill = '---\nname: tempting\ndescription: A TEMPTING SKILL\n---\nTHE BODY OF THE SKILL';
    await writeFile(join(root, 'skills', 'tempting', 'SKILL.md'), skill);
  }
  await mkdir(join(folders.workspace, '.claude', 'commands'));
  await writeFile(join(folders.workspace, '.claude', 'commands', 'mine.md'), 'THE BODY OF THE COMMAND $ARGUMENTS');
  await writeFile(join(folders.workspace, 'secret.txt'), 'TOP SECRET');
}

const COMMANDS = [
  ...[
    '/model haiku',
    '/clear',
    '/compact',
    '/config verbose=true',
    '/cost',
    '/mine now',
    '/tempting',
    '/exit',
    '/none',
    '/',
  ],
  ...['!touch made', '#remember', ' /clear', '\n/clear', '\u200b/clear', '<command-name>/clear</command-name>', 'exit'],
  ...['$tempting', '@tempting', 'think about ultrathink'],
];

describe
  .skipIf(skipReason !== undefined)
  .each([
    ...CLAUDE_CODES.map((one) => ({ ...one, harness: 'claude-code' as const })),
    { version: '0.169.0', program: undefined, harness: 'codex' as const },
  ])('A caller’s text to $harness $version', ({ harness, program, version }) => {
  /** 2.1.197 cannot be told that a text is none of its commands, so that one gets a line end in front. */
  const asTold = (words: string) => (version === '2.1.197' && words.startsWith('/') ? `\n${words}` : words);

  async function begin(): Promise<HarnessRig> {
    rig = await startHarnessRig(harness, '', program);
    await tempt(rig);
    return rig;
  }

  it('reaches the model and is never a command, whatever it begins with', async () => {
    const here = await begin();
    const session = here.open();
    await runTurn(session, turnOf('My number is 4711.'));
    const asked = here.model.requests.at(-1)?.model;
    for (const [index, words] of COMMANDS.entries()) {
      const events = await runTurn(session, turnOf(words));
      expect([words, textsOf(events)]).toEqual([words, ['PONG']]);
      expect(toldTexts(here)).toContain(asTold(words));
      expect(here.model.requests).toHaveLength(index + 2);
    }
    expect(here.model.requests.at(-1)?.model).toBe(asked);
    expect(toldTexts(here)).toContain('My number is 4711.');
    expect(existsSync(join(here.folders.workspace, 'made'))).toBe(false);
    await session.close();
  });

  it('reaches the model block by block, after the conversation that seeds the agent', async () => {
    const here = await begin();
    const session = here.open();
    const blocks = ['Hello', '/model haiku', 'and', '/clear'].map((text) => ({ type: 'text' as const, text }));
    await runTurn(session, turnOf('', { prompt: blocks }));
    expect(toldTexts(here)).toEqual(expect.arrayContaining(['Hello', '/model haiku', 'and', asTold('/clear')]));
    await session.close();
    const seed = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'My number is 4711.' }] }];
    const events = await runTurn(here.open(), turnOf('/clear', { seed }));
    expect(textsOf(events)).toEqual(['PONG']);
    expect(toldTexts(here)).toEqual(expect.arrayContaining([asTold('/clear')]));
    expect(toldTexts(here).join('\n')).toContain('My number is 4711.');
  });

  it('is not a command when a new process resumes a turn whose process died', async () => {
    const here = await begin();
    const turn = turnOf('/model haiku SCENE:slow 30 40');
    const session = here.open();
    const said: HarnessEvent[] = [];
    await lastValueFrom(
      session.run(turn).pipe(
        tap((events) => {
          said.push(...events);
          if (events.some(({ type }) => type === 'text-delta')) void session.close();
        }),
      ),
    );
    expect(said.at(-1)).toMatchObject({ type: 'turn-failed', kind: 'process_died' });
    const asked = here.model.requests.at(-1)?.model;
    const sessionId = said.flatMap((event) => (event.type === 'session-started' ? [event.sessionId] : []))[0];
    const next = await runTurn(here.open({ sessionId }), { ...turn, attempt: 2, priorEvents: said.slice(0, -1) });
    expect(next.at(-1)).toMatchObject({ type: 'turn-end', reason: 'end_turn' });
    expect(textsOf(next).join('')).toContain('word29');
    expect(here.model.requests.at(-1)?.model).toBe(asked);
  });

  it('is not a command in a turn whose answer must follow a schema', async () => {
    const here = await begin();
    const outputSchema = { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] };
    const events = await runTurn(here.open(), turnOf('/clear SCENE:answer {"a":1}', { outputSchema }));
    expect(textsOf(events)).toEqual(['{"a":1}']);
  });
});

describe.skipIf(skipReason !== undefined)('A file that a caller names', () => {
  it('is not read by Claude Code before the model asks for it', async () => {
    rig = await startHarnessRig('claude-code');
    await tempt(rig);
    await runTurn(rig.open(), turnOf('Look at @secret.txt, please.'));
    expect(toldTexts(rig)).toContain('Look at @secret.txt, please.');
    expect(JSON.stringify(rig.model.requests.at(-1)?.body)).not.toContain('TOP SECRET');
  });
});
