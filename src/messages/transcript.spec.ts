import { describe, expect, it } from 'vitest';
import { historyTold } from './transcript.js';

describe(historyTold, () => {
  it('cuts what a tool said between characters, as half of one spoils the conversation for its model', () => {
    const said = `${'x'.repeat(3999)}😀 and more`;
    const told = historyTold([
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: said }] },
      { role: 'assistant', content: 'Well.' },
      { role: 'user', content: 'go on' },
    ]);
    expect(JSON.stringify(told)).toContain('xxx … [10 more characters]');
  });
});
