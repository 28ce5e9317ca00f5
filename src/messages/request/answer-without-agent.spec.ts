import { describe, expect, it } from 'vitest';
import { checkGrammar } from '../../../test/support/stream-grammar.js';
import { recorded, RECORDINGS } from '../../clients/claude-code/__fixtures__/recorded.js';
import { replayMessage } from '../../translator/replay-message.js';
import { claudeCodeProfile } from '../../clients/claude-code/claude-code.js';
import { parseCreateMessage } from './create-message.dto.js';
import { answerWithoutAgent } from './answer-without-agent.js';
import { toMessageRequest } from './message-request.js';

const title = { type: 'json_schema', schema: { type: 'object', properties: { title: { type: 'string' } } } };
/** The answer to a request of Claude Code, beside the conversation or not. */
const answerTo = (fields: object, isSideRequest = true) => {
  const messages = [{ role: 'user', content: 'x' }];
  const body = parseCreateMessage({ model: 'm', max_tokens: 1024, messages, ...fields });
  return answerWithoutAgent({ header: () => undefined, body, client: claudeCodeProfile, isSideRequest }, 'msg_1');
};

describe(answerWithoutAgent.name, () => {
  it("answers Claude Code's request for a title from the session's own words", () => {
    const content =
      '<session>\n\nFix the login page\nof the shop\n</session>\n\nWrite the title in the predominant language.';
    const answer = answerTo({ messages: [{ role: 'user', content }], output_config: { format: title } });
    expect(answer?.content).toEqual([{ type: 'text', text: '{"title":"Fix the login page"}', citations: null }]);
    expect(checkGrammar(replayMessage(answer ?? expect.fail('no answer'), null))).toEqual([]);
  });

  it('keeps a title short', () => {
    const content = `<session>${'word '.repeat(100)}</session>`;
    const answer = answerTo({ messages: [{ role: 'user', content }], output_config: { format: title } });
    expect(answer?.content).toEqual([
      { type: 'text', text: `{"title":"${'word '.repeat(11).trimEnd()}…"}`, citations: null },
    ]);
    const link = answerTo({ messages: [{ role: 'user', content: 'x'.repeat(90) }], output_config: { format: title } });
    expect(link?.content).toEqual([{ type: 'text', text: `{"title":"${'x'.repeat(59)}…"}`, citations: null }]);
  });

  it.each([0, 1])('answers a probe of max_tokens %i of any client', (max_tokens) => {
    const answer = answerTo({ max_tokens }, false);
    expect(answer).toMatchObject({ id: 'msg_1', model: 'm', stop_reason: 'max_tokens' });
    expect(answer?.content).toHaveLength(max_tokens);
  });

  it('leaves a title to the agent when another client asks for it', () => {
    const messages = [{ role: 'user', content: 'x' }];
    const body = parseCreateMessage({ model: 'm', max_tokens: 9, messages, output_config: { format: title } });
    expect(
      answerWithoutAgent(
        toMessageRequest(() => undefined, body),
        'msg_1',
      ),
    ).toBeUndefined();
  });

  it('leaves everything else to the agent', () => {
    expect(answerTo({})).toBeUndefined();
    expect(answerTo({ output_config: { format: title } }, false)).toBeUndefined();
    const two = { ...title, schema: { properties: { title: { type: 'string' }, branch: { type: 'string' } } } };
    expect(answerTo({ output_config: { format: two } })).toBeUndefined();
    const number = { ...title, schema: { properties: { title: { type: 'number' } } } };
    expect(answerTo({ output_config: { format: number } })).toBeUndefined();
  });

  it.each(RECORDINGS.filter((name) => recorded(name).isSideRequest))(
    'knows the recorded requests that need no agent: %s',
    (name) => {
      const answer = answerTo({ ...recorded(name).body });
      const wants = { 'side-title': '{"title":"hello there, first prompt"}', 'side-model-probe': '.' }[name];
      expect(answer?.content).toEqual(
        wants === undefined ? undefined : [{ type: 'text', text: wants, citations: null }],
      );
    },
  );
});
