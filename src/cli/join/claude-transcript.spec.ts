import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../domain/harness-event.js';
import { asObject, asObjects, asString } from '../../domain/json.js';
import { renderTranscript, toProjectName } from './claude-transcript.js';
import type { ShownTurn } from './conversation.js';

const parseLines = (text: string): readonly JsonObject[] =>
  text
    .trim()
    .split('\n')
    .map((line): JsonObject => JSON.parse(line));

/** What Claude Code 2.1.330 wrote of three turns with the demo agent in a terminal; without its attachments. */
const recorded = parseLines(readFileSync(new URL('./__fixtures__/claude-code-2.1.330.jsonl', import.meta.url), 'utf8'));

const turn = (sequence: number, prompt: string, ...answer: readonly string[]): ShownTurn => ({
  sequence,
  id: `exe_${sequence}`,
  startedAt: `2026-06-23T18:0${sequence}:00.000Z`,
  endedAt: `2026-06-23T18:0${sequence}:09.000Z`,
  prompt: [{ type: 'text', text: prompt }],
  answer,
});
const place = {
  sessionId: '9b1d6f3e-0c2a-4d5b-8e7f-6a5b4c3d2e1f',
  cwd: '/home/user/project',
  title: 'slack:C1:17.2',
  note: 'Joined.',
};
const turns = [turn(1, 'hello there', 'Hello.'), turn(2, '!ls', 'shell(ls)', 'The command worked.')];
const written = parseLines(renderTranscript(turns, place));

const ofType = (entries: readonly JsonObject[], type: string) => entries.filter((entry) => entry['type'] === type);
const textsOf = (entry: JsonObject): readonly unknown[] => {
  const { content } = asObject(entry['message']);
  return typeof content === 'string' ? [content] : asObjects(content).map(({ text }) => text);
};

describe('the transcript of a joined thread', () => {
  it('has what each side said, a paragraph of the agent to an entry, and the paragraphs of an answer under one id', () => {
    const said = written.filter(({ type }) => type === 'user' || type === 'assistant');
    expect(said.map((entry) => [entry['type'], ...textsOf(entry)])).toEqual([
      ['user', 'hello there'],
      ['assistant', 'Hello.'],
      ['user', '!ls'],
      ['assistant', 'shell(ls)'],
      ['assistant', 'The command worked.'],
    ]);
    const ids = ofType(written, 'assistant').map((entry) => asObject(entry['message'])['id']);
    expect([ids[1] === ids[2], ids[0] === ids[1]]).toEqual([true, false]);
    expect(JSON.stringify(written)).not.toContain('tool_use"}');
  });

  it.each(['user', 'assistant', 'ai-title'])('has %s entries as Claude Code writes them', (type) => {
    const [own] = ofType(written, type);
    const [theirs = {}] = ofType(recorded, type);
    // `promptSource` tells a prompt of a program from a typed one.
    expect(Object.keys(theirs)).toEqual(expect.arrayContaining(Object.keys(own ?? {})));
    for (const [name, value] of Object.entries(own ?? {}))
      expect([name, typeof theirs[name]]).toEqual([name, typeof value]);
    const message = asObject(own?.['message']);
    expect(Object.keys(asObject(theirs['message']))).toEqual(expect.arrayContaining(Object.keys(message)));
    for (const name of ['cwd', 'version', 'userType', 'isSidechain'])
      expect([name, own?.[name]]).toEqual([name, type === 'ai-title' ? undefined : theirs[name]]);
  });

  it('is one chain, in the time of the turns, that ends with a note for the user only', () => {
    const chain = written.filter(({ uuid }) => uuid !== undefined);
    expect(chain.map(({ parentUuid }) => parentUuid)).toEqual([null, ...chain.slice(0, -1).map(({ uuid }) => uuid)]);
    expect(new Set(chain.map(({ uuid }) => uuid)).size).toBe(chain.length);
    const times = chain.map(({ timestamp }) => asString(timestamp) ?? '');
    expect(times).toEqual(times.toSorted());
    expect(chain.at(-1)).toMatchObject({ type: 'system', subtype: 'away_summary', content: 'Joined.' });
    expect(written.every(({ sessionId }) => sessionId === place.sessionId)).toBe(true);
  });

  it('keeps images and documents of the user', () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } } as const;
    const [entry] = parseLines(renderTranscript([{ ...turn(1, 'look', 'Nice.'), prompt: [image] }], place));
    expect(asObject(entry?.['message'])['content']).toEqual([image]);
  });

  it('is in the project of its folder, which has the name that Claude Code gave it', () => {
    expect(toProjectName('/home/user/my_project.v2')).toBe('-home-user-my-project-v2');
    // Claude Code 2.1.330 and 2.1.197 made this name.
    const deep = `/tmp/lj/${'a'.repeat(150)}/ünder_${'b'.repeat(100)}`;
    expect(toProjectName(deep)).toBe(`-tmp-lj-${'a'.repeat(150)}--nder-${'b'.repeat(35)}-oicl7`);
  });
});
