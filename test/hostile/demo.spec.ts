import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Hostile, newTraces, removeFolders, skipReason, startHostile, type Traces } from './support.js';

describe.skipIf(skipReason !== undefined)('A server with real agents', () => {
  let hostile: Hostile;
  let traces: Traces;

  beforeAll(async () => {
    traces = await newTraces();
    hostile = await startHostile('claude-code', traces.setting);
  });

  afterAll(async () => {
    await hostile.close();
    await removeFolders();
  });

  it.each(['demo', 'demo/x', 'demo/claude-opus-5-5', 'DEMO'])(
    'runs no command for a caller of the model %s',
    async (model) => {
      await hostile.say(`model ${model}`, `!touch ${traces.path}/ran`, { model });
      expect(await traces.take()).toEqual([]);
    },
  );
});
