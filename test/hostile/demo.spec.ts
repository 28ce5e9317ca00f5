import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Hostile, newTraces, removeFolders, skipReason, startHostile } from './support.js';

describe.skipIf(skipReason !== undefined)('A server with real agents', () => {
  let hostile: Hostile;

  beforeAll(async () => {
    hostile = await startHostile('claude-code');
  });

  afterAll(async () => {
    await hostile.close();
    await removeFolders();
  });

  it.each(['demo', 'demo/x', 'demo/claude-opus-5-5', 'DEMO'])(
    'runs no command for a caller of the model %s',
    async (model) => {
      const traces = await newTraces();
      await hostile.say(`model ${model}`, `!touch ${traces.folder}/ran`, { model });
      expect(await traces.left()).toEqual([]);
    },
  );
});
