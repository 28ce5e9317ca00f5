// What a long history costs that the thread has already: a caller resends the whole conversation with each message.
import { Buffer } from 'node:buffer';
import { setTimeout as wait } from 'node:timers/promises';
import { askForText, exchange, newThread, open, requestBytes } from '../client.mjs';
import { withServers } from '../servers.mjs';
import { median } from '../statistics.mjs';

const MEGABYTE = 1_000_000;

/** The time that 1 MB of history adds to the first byte of an answer on a known thread, beyond what the same bytes cost a bare server. */
export function measureHistory({ isQuick }) {
  return withServers([], async ({ bare, chiron }) => {
    const added = { bare: [], chiron: [] };
    const servers = { bare, chiron };
    const talks = Object.keys(servers).map((kind) => ({ kind, short: conversation(0), long: conversation(MEGABYTE) }));
    for (let round = -10; round < (isQuick ? 20 : 100); round += 1) {
      for (const { kind, short, long } of talks) {
        const shortTime = await firstByte(servers[kind], short);
        const longTime = await firstByte(servers[kind], long);
        if (round >= 0) added[kind].push(longTime - shortTime);
      }
    }
    await assertContinued(chiron, talks[1].long);
    const [bareTime, chironTime] = [median(added.bare), median(added.chiron)];
    return [
      {
        title: '1 MB of history in a request that continues its thread',
        unit: 'ms',
        goal: 15,
        bare: bareTime,
        chiron: chironTime,
        value: chironTime - bareTime,
        compared: 'added',
      },
    ];
  });
}

function conversation(bytes) {
  const piece = 'The quick brown fox "jumps" over the lazy dog;\n'.repeat(80);
  const messages = [];
  for (let length = 0; length < bytes; length += 2 * piece.length) {
    messages.push({ role: 'user', content: `${messages.length} ${piece}` });
    messages.push({ role: 'assistant', content: `${messages.length} ${piece}` });
  }
  return { thread: newThread(), messages };
}

/** The bytes of a request with the next message and all before it. The answer to it stands in the conversation afterwards. */
function nextRequest({ thread, messages }) {
  messages.push({ role: 'user', content: `/stream 3 0 3 ${messages.length}` });
  const body = Buffer.from(JSON.stringify({ model: 'demo', max_tokens: 1024, stream: true, messages }));
  messages.push({ role: 'assistant', content: 'an answer' });
  return requestBytes(thread, body);
}

async function firstByte({ port }, talk) {
  const bytes = nextRequest(talk);
  const socket = await open(port);
  await wait(5);
  const { firstByte: time } = await exchange(socket, bytes).done;
  socket.destroy();
  await wait(5);
  return time;
}

/** Fails when the measured requests were not what the row says. */
async function assertContinued({ port }, talk) {
  const answer = await askForText(port, nextRequest(talk));
  const outcome = /^x-chiron-history: (\S+)/im.exec(answer)?.[1];
  if (outcome !== 'continued') throw new Error(`the history was ${outcome}`);
}
