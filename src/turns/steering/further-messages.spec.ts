import { describe, expect, it } from 'vitest';
import type { FurtherMessage } from '../../harness/harness.js';
import { FurtherMessages } from './further-messages.js';

const message = (id: string): FurtherMessage => ({ id, prompt: [{ type: 'text', text: id }] });

describe(FurtherMessages.name, () => {
  /** The messages of a turn whose agent can be reached or not, and what it was given. */
  function messagesFor(agent: { isReachable: boolean }) {
    const given: string[] = [];
    const messages = new FurtherMessages(({ id }) => {
      if (!agent.isReachable) return undefined;
      given.push(id);
      return Promise.resolve(true);
    });
    return { given, messages };
  }

  it('hands messages over in order, each once', () => {
    const { given, messages } = messagesFor({ isReachable: true });
    messages.add([message('a'), message('b')]);
    messages.deliver();
    messages.add([message('b'), message('c')]);
    messages.deliver();
    expect(given).toEqual(['a', 'b', 'c']);
  });

  it('keeps what cannot be handed over yet', () => {
    const agent = { isReachable: false };
    const { given, messages } = messagesFor(agent);
    messages.add([message('a')]);
    messages.deliver();
    messages.add([message('a'), message('b')]);
    agent.isReachable = true;
    messages.deliver();
    expect(given).toEqual(['a', 'b']);
  });

  it('does not hand over what the attempt started with', () => {
    const { given, messages } = messagesFor({ isReachable: true });
    messages.add([message('a'), message('b')]);
    messages.begin([message('a')]);
    messages.add([message('a')]);
    messages.deliver();
    expect(given).toEqual(['b']);
  });

  it('hands a message over again to the next attempt that did not start with it', () => {
    const { given, messages } = messagesFor({ isReachable: true });
    messages.add([message('a')]);
    messages.deliver();
    messages.begin([]);
    messages.add([message('a')]);
    messages.deliver();
    expect(given).toEqual(['a', 'a']);
  });

  it('hands a message over once to an agent that answers at once, also one that comes meanwhile', () => {
    const given: string[] = [];
    const messages = new FurtherMessages(({ id }) => {
      given.push(id);
      if (id === 'a') messages.add([message('b')]);
      messages.deliver();
      return Promise.resolve(true);
    });
    messages.add([message('a')]);
    messages.deliver();
    expect(given).toEqual(['a', 'b']);
  });
});
