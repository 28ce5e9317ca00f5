import { readFile } from 'node:fs/promises';
import { Logger } from '@nestjs/common';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../src/domain/harness-event.js';
import { REFUSAL_REASONS } from '../support/scripted-model/scene.js';
import { removeFolders } from './support/folders.js';
import { type HarnessRig, runTurn, startHarnessRig, textsOf, turnOf } from './support/harness-rig.js';
import { skipReason } from './support/programs.js';
import { type RealHarness, type Rig, startRig } from './support/rig.js';
import { messageThrough, sayTo } from './support/say.js';

Logger.overrideLogger(false);

const HARNESSES: readonly RealHarness[] = ['claude-code', 'codex'];

afterAll(removeFolders);

/** All that the model was sent with its newest request. */
const sent = ({ model }: Pick<Rig, 'model'>): string => JSON.stringify(model.requests.at(-1)?.body);

describe.skipIf(skipReason !== undefined).each(HARNESSES)('A conversation of %s', (harness) => {
  let rig: HarnessRig | undefined;

  afterEach(async () => {
    await rig?.close();
    rig = undefined;
  });

  const failure = (events: readonly HarnessEvent[]) => events.at(-1);
  const end = (events: readonly HarnessEvent[]) => events.at(-1)?.type;

  describe.each(REFUSAL_REASONS)('in which a message is refused (%s)', (reason) => {
    it('continues without that message, and remembers the earlier ones', async () => {
      rig = await startHarnessRig(harness);
      const session = rig.open();
      await runTurn(session, turnOf('SCENE:text I saw a heron'));
      expect(end(await runTurn(session, turnOf(`SCENE:text never REFUSED:${reason}`)))).toBe('turn-failed');
      expect(textsOf(await runTurn(session, turnOf('SCENE:text and a wren')))).toEqual(['and a wren']);
      expect(sent(rig)).toContain('I saw a heron');
      expect(sent(rig)).not.toContain('REFUSED');
      await session.close();
    });

    it('continues after a tool’s result was refused, and remembers the tool call', async () => {
      rig = await startHarnessRig(harness);
      const session = rig.open();
      await runTurn(session, turnOf('SCENE:text I saw a heron'));
      const command = `printf 'REFUSED:%s' ${reason}; echo x >> marker`;
      expect(end(await runTurn(session, turnOf(`SCENE:tool ${command}`)))).toBe('turn-failed');
      expect(textsOf(await runTurn(session, turnOf('SCENE:text and a wren')))).toEqual(['and a wren']);
      expect(sent(rig)).toContain('I saw a heron');
      expect(sent(rig)).toContain('echo x >> marker');
      expect(sent(rig)).not.toContain(`REFUSED:${reason}`);
      expect(await readFile(`${rig.folders.workspace}/marker`, 'utf8')).toBe('x\n');
      await session.close();
    });
  });

  it('that begins with a refused message starts over', async () => {
    rig = await startHarnessRig(harness);
    const session = rig.open();
    await runTurn(session, turnOf('SCENE:text REFUSED:policy'));
    expect(textsOf(await runTurn(session, turnOf('SCENE:text hello', { turnIndex: 1 })))).toEqual(['hello']);
    await session.close();
  });

  it('continues after several refused messages, also in a new process', async () => {
    rig = await startHarnessRig(harness);
    const before = rig.open();
    const first = await runTurn(before, turnOf('SCENE:text I saw a heron'));
    for (const reason of REFUSAL_REASONS) await runTurn(before, turnOf(`SCENE:text REFUSED:${reason}`));
    await before.close();
    const sessionId = first.find((event) => event.type === 'session-started')?.sessionId;
    const after = rig.open({ sessionId });
    expect(textsOf(await runTurn(after, turnOf('SCENE:text and a wren')))).toEqual(['and a wren']);
    expect(sent(rig)).toContain('I saw a heron');
    await after.close();
  });

  it('reports the refusal to a late attempt of a refused turn, and continues', async () => {
    rig = await startHarnessRig(harness);
    const before = rig.open();
    const first = await runTurn(before, turnOf('SCENE:text I saw a heron'));
    const refused = turnOf('SCENE:text REFUSED:policy');
    const told = failure(await runTurn(before, refused));
    await before.close();
    const requests = rig.model.requests.length;
    const after = rig.open({ sessionId: first.find((event) => event.type === 'session-started')?.sessionId });
    expect(failure(await runTurn(after, { ...refused, attempt: 2 }))).toEqual(told);
    expect(rig.model.requests.length).toBe(requests);
    expect(textsOf(await runTurn(after, turnOf('SCENE:text and a wren')))).toEqual(['and a wren']);
    expect(sent(rig)).toContain('I saw a heron');
    await after.close();
  });
});

describe.skipIf(skipReason !== undefined).each(HARNESSES)('A caller of %s that sends its full conversation', (name) => {
  let rig: Rig | undefined;

  afterEach(async () => {
    await rig?.close();
    rig = undefined;
  });

  it('without the refused message is matched to its thread, which answers', async () => {
    rig = await startRig(name);
    const first = await sayTo(rig, ['SCENE:text one']);
    const refused = await sayTo(rig, ['SCENE:text one', 'one', 'SCENE:text two REFUSED:too-long']);
    expect(refused.status).toBe(400);
    const next = await sayTo(rig, ['SCENE:text one', 'one', 'SCENE:text three']);
    expect(await messageThrough(next)).toBe('three');
    expect(next.headers.get('x-chiron-thread-key')).toBe(first.headers.get('x-chiron-thread-key'));
    expect(next.headers.get('x-chiron-history')).toBe('continued');
  });
});
