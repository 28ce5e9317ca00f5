import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseHosts, parseMcpServersFile } from './mcp-servers.js';

const folder = mkdtempSync(join(tmpdir(), 'chiron-mcp-'));
afterAll(() => rmSync(folder, { recursive: true }));

function parse(text: string, variables = {}) {
  const file = join(folder, 'servers.json');
  writeFileSync(file, text);
  return parseMcpServersFile(file, variables);
}

describe(parseMcpServersFile.name, () => {
  it('reads servers, with variables in their headers', () => {
    const servers = {
      docs: { url: 'https://docs.example/mcp', headers: { Authorization: 'Bearer ${DOCS_TOKEN}' } },
      wiki: { url: 'https://wiki.example/mcp', allowedTools: ['search'] },
    };
    expect(parse(JSON.stringify({ mcpServers: servers }), { DOCS_TOKEN: 'abc' })).toEqual({
      value: [
        {
          name: 'docs',
          url: 'https://docs.example/mcp',
          headers: { Authorization: 'Bearer abc' },
          allowedTools: undefined,
        },
        { name: 'wiki', url: 'https://wiki.example/mcp', headers: {}, allowedTools: ['search'] },
      ],
    });
  });

  it.each([
    'nonsense',
    '{}',
    '{"mcpServers":{"a":{}}}',
    '{"mcpServers":{"a b":{"url":"https://a.example"}}}',
    '{"mcpServers":{"a":{"url":"file:///etc/passwd"}}}',
    '{"mcpServers":{"a":{"url":"https://a.example","headers":{"x":1}}}}',
  ])('refuses %s', (text) => {
    expect(parse(text)).toHaveProperty('expected');
  });

  it('refuses a file that is not there, and reads none when none is named', () => {
    expect(parseMcpServersFile(join(folder, 'gone'), {})).toHaveProperty('expected');
    expect(parseMcpServersFile(undefined, {})).toEqual({ value: [] });
  });
});

describe(parseHosts.name, () => {
  it.each([
    ['mcp.example.com, Other.example:8443', ['mcp.example.com', 'other.example:8443']],
    [undefined, []],
  ])('reads %s', (text, value) => expect(parseHosts(text)).toEqual({ value }));

  it.each(['https://a.example', 'a/b', ''])('refuses %j', (text) =>
    expect(parseHosts(text)).toHaveProperty('expected'),
  );
});
