import { afterEach, describe, expect, it } from 'vitest';
import { ask } from './support/caller.js';
import { startWithStore, type StoredCluster, type TestThreadStore } from './support/thread-store.js';

let stored: StoredCluster | undefined;

afterEach(async () => {
  await stored?.close();
  stored = undefined;
});

describe.each<TestThreadStore>(['local', 's3', 'shared'])('files, with those of threads in %s', (store) => {
  it('go in and out through any gateway, wherever the thread is', async () => {
    stored = await startWithStore(store);
    const { cluster } = stored;
    const [g1, g2] = [cluster.server('g1').url, cluster.server('g2').url];
    // Longer than a row of the database, and than what a connection holds.
    const words = 'words '.repeat(500_000);
    const form = new FormData();
    form.append('file', new Blob([words], { type: 'text/plain' }), 'words.txt');
    const uploaded = await fetch(`${g1}/v1/files`, { method: 'POST', body: form });
    const { id } = (await uploaded.json()) as { readonly id: string };
    expect(await (await fetch(`${g2}/v1/files/${id}/content`)).text()).toBe(words);

    const message = await fetch(`${g2}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-chiron-thread-key': 'test:files' },
      body: JSON.stringify({
        model: 'demo',
        max_tokens: 100,
        messages: [
          {
            role: 'user',
            content: [
              { type: 'container_upload', file_id: id },
              { type: 'text', text: 'hi' },
            ],
          },
        ],
      }),
    });
    expect(await message.text()).toContain(`uploads/${id}/words.txt in the workspace`);
    const files = '/api/session/test%3Afiles/files';
    for (const url of [g1, g2]) {
      expect(await (await fetch(`${url}${files}/uploads/${id}/words.txt`)).text()).toBe(words);
      const listed = (await (await fetch(`${url}${files}`)).json()) as { readonly files: readonly object[] };
      expect(listed.files).toMatchObject([{ path: 'uploads' }, { path: `uploads/${id}` }, { size: words.length }]);
    }
    const put = await fetch(`${g1}${files}/in/note.txt`, { method: 'PUT', body: 'a note' });
    expect([put.status, await put.json()]).toMatchObject([200, { path: 'in/note.txt', size: 6 }]);
    expect((await ask(g2, '!cat in/note.txt', { thread: 'files' })).results).toEqual(['a note']);
    await ask(g2, '!mkdir many; for i in $(seq 1000); do : > many/a-file-with-a-name-that-is-not-short-$i; done', {
      thread: 'files',
    });
    const deep = `${'long/'.repeat(700)}a.txt`;
    for (const url of [g1, g2]) {
      const { files: many } = (await (await fetch(`${url}${files}?path=many&limit=1000`)).json()) as {
        readonly files: readonly object[];
      };
      expect(many).toHaveLength(1000);
      const head = await fetch(`${url}${files}/in/note.txt`, { method: 'HEAD' });
      expect([head.status, head.headers.get('content-length')]).toEqual([200, '6']);
      expect((await fetch(`${url}${files}/${deep}`)).status).toBe(404);
    }
    expect((await fetch(`${g1}${files}/in`, { method: 'PUT', body: 'x' })).status).toBe(409);
    expect((await fetch(`${g1}${files}/none`)).status).toBe(404);
    const archive = await (await fetch(`${g2}${files}/in/`)).arrayBuffer();
    expect(Buffer.from(archive).toString('latin1')).toContain('a note');

    expect((await fetch(`${g2}/v1/files/${id}`, { method: 'DELETE' })).status).toBe(200);
    expect((await fetch(`${g1}/v1/files/${id}`)).status).toBe(404);
    expect(await cluster.query('select id from files union all select file_id from file_chunks')).toEqual([]);
  });
});
