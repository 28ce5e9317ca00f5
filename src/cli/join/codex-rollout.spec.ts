import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../domain/harness-event.js';
import { asObject, asObjects } from '../../domain/json.js';
import { renderRollout, toRolloutPath } from './codex-rollout.js';
import type { ShownTurn } from './conversation.js';

const parseLines = (text: string): readonly JsonObject[] =>
  text
    .trim()
    .split('\n')
    .map((line): JsonObject => JSON.parse(line));

/** What Codex 0.169.0 wrote of two turns with the demo agent in a terminal; without its settings, tools and tokens. */
const recorded = parseLines(readFileSync(new URL('./__fixtures__/codex-0.169.0.jsonl', import.meta.url), 'utf8'));

const turn = (sequence: number, prompt: string, ...answer: readonly string[]): ShownTurn => ({
  sequence,
  id: `exe_${sequence}`,
  startedAt: '2026-06-23T18:00:00.000Z',
  endedAt: '2026-06-23T18:00:09.000Z',
  prompt: [{ type: 'text', text: prompt }],
  answer,
});
const place = {
  sessionId: '9b1d6f3e-0c2a-4d5b-8e7f-6a5b4c3d2e1f',
  cwd: '/home/user/project',
  provider: 'chiron',
  now: '2026-06-23T19:00:00.000Z',
  note: 'Joined.',
};
const turns = [turn(1, 'hello there', 'Hello.'), turn(2, '!ls -la /', 'shell(ls -la /)', 'The command worked.')];
const written = parseLines(renderRollout(turns, place));

/** The kind of a line: that of its payload, and of the item in it. */
function kindOf({ type, payload }: JsonObject): string {
  const fields = asObject(payload);
  return [type, fields['type'], fields['role'], asObject(fields['item'])['type'], fields['phase']]
    .filter((part) => typeof part === 'string')
    .join(' ');
}

describe('the rollout of a joined thread', () => {
  it('has the lines of each turn that Codex writes, in its order', () => {
    const kinds = (lines: readonly JsonObject[]) =>
      lines
        .map(kindOf)
        .map((kind) => (kind.startsWith('response_item message user') ? 'response_item message user' : kind));
    const [own, theirs] = [kinds(written), kinds(recorded)];
    // The last three lines are the note. Codex writes an answer’s item before the model’s copy of it, too.
    expect(own.slice(0, -3)).toEqual(theirs);
  });

  it('has no field that Codex does not write, and none of another type', () => {
    for (const line of written) {
      const same = recorded.find((candidate) => kindOf(candidate) === kindOf(line));
      expect([kindOf(line), same === undefined]).toEqual([kindOf(line), false]);
      const [own, theirs] = [asObject(line['payload']), asObject(same?.['payload'])];
      for (const [name, value] of Object.entries(own))
        if (value !== null) expect([name, typeof theirs[name]]).toEqual([name, typeof value]);
    }
  });

  it('has for the model what each side said, and for the terminal the same and a note', () => {
    const payloads = written.map(({ payload }) => asObject(payload));
    const forModel = payloads
      .filter(({ type }) => type === 'message')
      .map(({ content }) => asObjects(content)[0]?.['text']);
    const said = ['hello there', 'Hello.', '!ls -la /', 'shell(ls -la /)', 'The command worked.'];
    expect(forModel).toEqual(said);
    const items = payloads.filter(({ type }) => type === 'item_completed').map(({ item }) => asObject(item));
    expect(items.map(({ content }) => asObjects(content)[0]?.['text'])).toEqual([...said, 'Joined.']);
    expect(written.map(({ ordinal }) => ordinal)).toEqual(written.map((_, index) => index));
  });

  it('has an image for the model, and its name for the terminal, and of a document the name only', () => {
    const source = { type: 'base64', media_type: 'image/png', data: 'AAAA' } as const;
    const prompt = [{ type: 'image', source } as const, { type: 'document', source } as const];
    const lines = parseLines(renderRollout([{ ...turn(1, '', 'Nice.'), prompt }], place));
    const item = lines.map(({ payload }) => asObject(payload)).find(({ type }) => type === 'message');
    expect(item?.['content']).toEqual([{ type: 'input_image', image_url: 'data:image/png;base64,AAAA' }]);
    expect(JSON.stringify(lines)).toContain('"text":"[document]"');
    const alone = renderRollout([{ ...turn(1, '', 'Nice.'), prompt: prompt.slice(1) }], place);
    expect(alone).toContain('{"type":"input_text","text":"[document]"}');
  });

  it('is in the folder of its day', () => {
    const path = toRolloutPath(place.sessionId, new Date(2026, 5, 3, 4, 5, 6));
    expect(path).toBe(`sessions/2026/06/03/rollout-2026-06-03T04-05-06-${place.sessionId}.jsonl`);
  });
});
