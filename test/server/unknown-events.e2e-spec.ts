// A newer server stores kinds of events that this one does not know: after a roll-back its turns are still read and resumed.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../src/domain/harness-event.js';
import { toExecutionId } from '../../src/sessions/dto/execution-id.js';
import { newStore, testedKinds, type TestStore } from '../../src/storage/__fixtures__/databases.js';
import { eventually } from '../support/eventually.js';
import { converse, thread } from '../support/requests.js';
import { modelCall, textBlock, type ScriptedRun } from '../support/scripted-harness.js';
import { SessionReader } from '../support/session-events.js';
import { SseClient } from '../support/sse-client.js';
import { checkGrammar } from '../support/stream-grammar.js';
import { startTestApp, type TestApp, type TestSettings } from '../support/test-app.js';

const UNKNOWN = { type: 'from-the-future', id: 'text', text: 'unread' };
// Ids of session events: those of the turn's first harness event, and how far they are from those of the second.
const PER_TURN = 1_000_000_000;
const PER_EVENT = 16;
const FIRST_EVENT = PER_EVENT;

describe.each(await testedKinds())('a turn with an event that this version does not know, on %s', (kind) => {
  let store: TestStore;
  let settings: TestSettings;
  let app: TestApp;

  beforeAll(async () => {
    store = await newStore(kind);
    settings = { dataDirectory: store.options.dataDirectory, databaseUrl: store.options.databaseUrl };
    app = await startTestApp(settings);
  });

  afterAll(async () => {
    await app.close({ keepData: true });
    await store.remove();
  });

  const post = (prompt: string) =>
    SseClient.post(app.url, converse(['hello', 'Hi.', prompt], { stream: true }), thread(prompt));
  const session = async (prompt: string, after = 0): Promise<SessionReader> => {
    const execution = toExecutionId(await turnOf(prompt));
    const url = `${app.url}/api/session/${encodeURIComponent(`test:${prompt}`)}/events?execution_id=${execution}`;
    return SessionReader.open(url, { 'last-event-id': String(after) });
  };

  async function turnOf(prompt: string): Promise<string> {
    const { id } = await store.database.kysely
      .selectFrom('turns')
      .innerJoin('threads', 'threads.id', 'turns.thread_id')
      .select('turns.id as id')
      .where('threads.key', '=', `test:${prompt}`)
      .executeTakeFirstOrThrow();
    return id;
  }

  /** Puts the unknown event before the first event of a kind, and all events behind it one place further, as if it had been stored there. */
  async function insertUnknown(prompt: string, before: HarnessEvent['type']): Promise<void> {
    const id = await turnOf(prompt);
    const rows = await store.database.kysely
      .selectFrom('turn_events')
      .selectAll()
      .where('turn_id', '=', id)
      .orderBy('sequence')
      .execute();
    let inserted = 0;
    for (const row of rows) {
      const events: { readonly type: string }[] = JSON.parse(row.events);
      const at = inserted === 0 ? events.findIndex((event) => event.type === before) : -1;
      const changed = at === -1 ? events : events.toSpliced(at, 0, UNKNOWN);
      await store.database.kysely
        .updateTable('turn_events')
        .set({ events: JSON.stringify(changed), first_index: row.first_index + inserted })
        .where('turn_id', '=', id)
        .where('sequence', '=', row.sequence)
        .execute();
      if (at !== -1) inserted = 1;
    }
    expect(inserted).toBe(1);
  }

  /** A turn that has ended. */
  async function ended(prompt: string): Promise<SseClient> {
    const first = post(prompt);
    const run = await app.harness.run(prompt);
    run.say({ type: 'text-delta', id: 'text', text: 'half ' });
    await first.sees('half');
    run.end(...modelCall([{ type: 'text-delta', id: 'text', text: 'whole' }]), { type: 'block-end', id: 'text' });
    return first.done();
  }

  it('is answered to a retry as it was answered first', async () => {
    const first = await ended('retried');
    await insertUnknown('retried', 'model-call-start');
    const again = await post('retried').done();
    expect(again.events).toEqual(first.events);
    expect(app.harness.runsOf('retried')).toHaveLength(1);
  });

  it('gives every session event but the unknown one, those behind it under the ids of their place in the log', async () => {
    await ended('narrated');
    const before = await (await session('narrated')).done();
    await insertUnknown('narrated', 'model-call-start');
    const after = await (await session('narrated')).done();
    expect(after.said).toBe('half whole');
    expect(after.events.map(({ name, data }) => ({ name, data }))).toEqual(
      before.events.map(({ name, data }) => ({ name, data })),
    );
    const isBehind = (id: number): boolean => id % PER_TURN >= FIRST_EVENT + PER_EVENT && id < (before.ids.at(-1) ?? 0);
    expect(before.ids.filter(isBehind).length).toBeGreaterThan(2);
    expect(after.ids).toEqual(before.ids.map((id) => (isBehind(id) ? id + PER_EVENT : id)));
  });

  it('continues after any of its session events', async () => {
    await ended('continued');
    await insertUnknown('continued', 'model-call-start');
    const { events, said } = await (await session('continued')).done();
    expect(said).toBe('half whole');
    for (const [index, { id }] of events.slice(0, -1).entries()) {
      const rest = await (await session('continued', id)).done();
      expect(rest.events).toEqual(events.slice(index + 1));
    }
  });

  it('is resumed by this server, and read through by callers and by the session API', async () => {
    const before = post('resumed');
    const run = await app.harness.run('resumed');
    run.say(...textBlock('first ', 'one'), { type: 'tool-result', id: 'none', content: [], isError: false });
    run.say({ type: 'text-delta', id: 'half', text: 'half a' });
    await before.sees('half a');
    const seen = (await (await session('resumed')).sees('half a')).ids;
    await app.close({ keepData: true });
    await insertUnknown('resumed', 'tool-result');
    app = await startTestApp(settings);
    const second: ScriptedRun = await app.harness.run('resumed');
    expect(second.turn.priorEvents).not.toContainEqual(UNKNOWN);
    const [after, all, rest] = [post('resumed'), await session('resumed'), await session('resumed', seen.at(-1))];
    second.say({ type: 'session-started', sessionId: 'session' });
    await after.sees('first');
    second.say(...textBlock('second', 'two'));
    await eventually(() => after.said).toBe('first second');
    second.end();
    await Promise.all([after.done(), all.done(), rest.done()]);
    expect(checkGrammar(after.events)).toEqual([]);
    expect(all.said).toBe('first second');
    expect(rest.events).toEqual(all.events.filter(({ id }) => id !== undefined && id > (seen.at(-1) ?? 0)));
    const again = await (await session('resumed')).done();
    expect(again.ids).toEqual(all.ids);
  });
});
