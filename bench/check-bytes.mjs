// The comparison is valid only if both servers send the same content.
import { askForText, freshRequest } from './client.mjs';
import { withServers } from './servers.mjs';

/** @throws Error when the two servers' answers differ in more than the ids. */
export function checkBytes() {
  return withServers([], async ({ bare, chiron }) => {
    for (const prompt of ['/stream 3 0 1', '/stream 3 5']) {
      const answers = [];
      for (const { port } of [bare, chiron]) answers.push(eventsOf(await askForText(port, freshRequest(prompt))));
      if (answers[0] !== answers[1]) {
        throw new Error(`the servers answer differently:\n${answers.join('\n--- and ---\n')}`);
      }
    }
  });
}

/** The events without the chunks that they came in, and without ids. */
function eventsOf(answer) {
  const [, body] = answer.split(/\r\n\r\n(.*)/s);
  return body
    .replace(/(^|\r\n)[0-9a-f]+\r\n/g, '')
    .replaceAll(/msg_[0-9a-f]+/g, 'msg')
    .replaceAll('\r\n', '');
}
