import { GROUPS, type Setting } from '../../src/config/setting.js';

type Row = Setting<unknown>;

/** A page of the documentation with the tables between its `settings` markers made anew. */
export function withSettingsTables(page: string, rows: readonly Row[]): string {
  return page.replaceAll(
    /(<!-- settings: (.+?) -->\n)[^]*?(\n<!-- \/settings -->)/g,
    (_, begin: string, group: string, end: string) => `${begin}\n${settingsTable(ofGroup(rows, group))}${end}`,
  );
}

/** The groups whose table a page has. */
export function documentedGroups(page: string): readonly string[] {
  return [...page.matchAll(/<!-- settings: (.+?) -->/g)].map(([, group = '']) => group);
}

/** The text of `.env.example`. */
export function envExample(rows: readonly Row[]): string {
  const sections = GROUPS.map((group) => [`## ${group}`, ...ofGroup(rows, group).map(envEntry)].join('\n\n'));
  return `${ENV_HEAD}\n\n${sections.join('\n\n')}\n`;
}

const ENV_HEAD = `# Every setting of Chiron, with its default; written by \`npm run docs:settings\`. Copy this file to \`.env\` and change what you need.
# Variables of the environment win over the file. docs/configuration.md explains each.`;

const MAX_COLUMNS = 130;

function ofGroup(rows: readonly Row[], group: string): readonly Row[] {
  return rows.filter((row) => row.group === group);
}

/** A Markdown table as Prettier writes it. */
function settingsTable(rows: readonly Row[]): string {
  const cells = [
    ['variable', 'default', 'meaning'],
    ...rows.map((row) => [`\`${row.variable}\``, row.defaultDoc ?? quotedDefault(row.fallback), row.doc]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  const lines = [cells[0], widths.map((width) => '-'.repeat(width)), ...cells.slice(1)].map((line) =>
    widths.map((width, column) => line?.[column]?.padEnd(width)).join(' | '),
  );
  return `${lines.map((line) => `| ${line} |`).join('\n')}\n`;
}

function quotedDefault(fallback: string | undefined): string {
  return fallback === undefined ? 'none' : `\`${fallback.replaceAll(',', '`, `')}\``;
}

function envEntry({ variable, fallback, doc, choices, defaultDoc, example = '' }: Row): string {
  const listed = choices?.every((choice) => doc.includes(`\`${choice}\``)) ?? true;
  const text = listed ? doc : `${doc} One of: ${choices?.join(', ')}.`;
  const hasDefault = fallback !== undefined && defaultDoc === undefined;
  const line = hasDefault ? `${variable}=${fallback}` : `# ${variable}=${example}`;
  // A file of variables has no links: the path stands for the page, or a phrase for itself.
  const plain = text
    .replaceAll('`', '')
    .replaceAll(/\[([^\]]+)\]\(([^)]+)\)/g, (_, words: string, page: string) =>
      words === page ? `docs/${page}` : words,
    );
  return `${asComment(plain)}\n${line}`;
}

function asComment(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last.length + word.length + 3 > MAX_COLUMNS) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.map((line) => `# ${line}`).join('\n');
}
