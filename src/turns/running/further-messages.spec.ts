import { describe, expect, it } from 'vitest';
import type { FurtherMessage } from '../../harness/harness.js';
import { FurtherMessages } from './further-messages.js';

const message = (id: string): FurtherMessage => ({ id, prompt: [{ type: 'text', text: id }] });

describe(FurtherMessages.name, () => {
  /** An agent that can be reached or not, and what it was given. */
  function agent(isReachable = true) {
    const given: string[] = [];
    const handOver = ({ id }: FurtherMessage): Promise<boolean> | undefined => {
      if (!isReachable) return undefined;
      given.push(id);
      return Promise.resolve(true);
    };
    return { given, handOver };
  }

  it('hands messages over in order, each once', () => {
    const messages = new FurtherMessages();
    const { given, handOver } = agent();
    messages.add([message('a'), message('b')]);
    messages.deliver(handOver);
    messages.add([message('b'), message('c')]);
    messages.deliver(handOver);
    expect(given).toEqual(['a', 'b', 'c']);
  });

  it('keeps what cannot be handed over yet', () => {
    const messages = new FurtherMessages();
    messages.add([message('a')]);
    messages.deliver(agent(false).handOver);
    messages.add([message('a'), message('b')]);
    const { given, handOver } = agent();
    messages.deliver(handOver);
    expect(given).toEqual(['a', 'b']);
  });

  it('does not hand over what the attempt started with', () => {
    const messages = new FurtherMessages();
    messages.add([message('a'), message('b')]);
    messages.begin([message('a')]);
    messages.add([message('a')]);
    const { given, handOver } = agent();
    messages.deliver(handOver);
    expect(given).toEqual(['b']);
  });

  it('hands a message over again to the next attempt that did not start with it', () => {
    const messages = new FurtherMessages();
    const { given, handOver } = agent();
    messages.add([message('a')]);
    messages.deliver(handOver);
    messages.begin([]);
    messages.add([message('a')]);
    messages.deliver(handOver);
    expect(given).toEqual(['a', 'a']);
  });
});
