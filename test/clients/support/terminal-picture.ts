import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Terminal } from './terminal.js';

/** Where pictures of terminals are kept, for the documentation; nothing is kept without it. */
const FOLDER = process.env['CHIRON_TEST_PICTURES'];

const [CHAR, LINE, MARGIN] = [7.8, 17, 12];
const BASIC = ['#2e3436', '#ef5350', '#66bb6a', '#ffca28', '#5c9ded', '#ba7de0', '#4dd0c8', '#d3d7cf'];
const BRIGHT = ['#7f8c8d', '#ff8a80', '#a5d6a7', '#ffe082', '#90caf9', '#d7aefb', '#80deea', '#ffffff'];

/** Keeps a picture of a terminal under this name, as SVG, if pictures are asked for. `from` is the first text of it that is shown. */
export async function keepPicture(terminal: Terminal, name: string, from?: string): Promise<void> {
  if (FOLDER === undefined) return;
  await mkdir(FOLDER, { recursive: true });
  await writeFile(join(FOLDER, `${name}.svg`), renderSvg(await terminal.colouredScreen(), from));
}

interface Style {
  readonly colour?: string | undefined;
  readonly bold?: boolean;
  readonly dim?: boolean;
}

/** Renders what `tmux capture-pane -e` printed. Backgrounds are left out. */
export function renderSvg(captured: string, from?: string): string {
  const all = captured.split('\n').map((line) => line.trimEnd());
  const start =
    from === undefined
      ? 0
      : Math.max(
          0,
          all.findIndex((line) => withoutCodes(line).includes(from)),
        );
  const isEmpty = (line: string | undefined): boolean => line !== undefined && withoutCodes(line).trim() === '';
  // The empty middle of a screen is shown as one line.
  const lines = all
    .slice(start, all.findLastIndex((line) => !isEmpty(line)) + 1)
    .filter((line, index, kept) => !isEmpty(line) || !isEmpty(kept[index + 1]));
  const width = Math.ceil(2 * MARGIN + CHAR * Math.max(...lines.map((line) => withoutCodes(line).length)));
  const height = 2 * MARGIN + LINE * lines.length;
  let style: Style = {};
  const rows = lines.map((line, index) => {
    const spans: string[] = [];
    let column = 0;
    for (const { codes, text } of toPieces(line)) {
      if (codes !== undefined) style = applyCodes(style, codes);
      if (text.trim() !== '') spans.push(toSpan(text, column, style));
      column += text.length;
    }
    return spans.length === 0 ? '' : `<text y="${MARGIN + LINE * (index + 0.8)}">${spans.join('')}</text>\n`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<rect width="100%" height="100%" rx="6" fill="#1c1e22"/>
<g font-family="ui-monospace,Menlo,Consolas,DejaVu Sans Mono,monospace" font-size="13" fill="#d8dade" xml:space="preserve">
${rows.join('')}</g>
</svg>
`;
}

function withoutCodes(line: string): string {
  return toPieces(line)
    .map(({ text }) => text)
    .join('');
}

/** The texts of a line, each with the codes before it. */
function toPieces(line: string): readonly { readonly codes: string | undefined; readonly text: string }[] {
  const [first = '', ...others] = line.split('\u001B[');
  const rest = others.map((part) => ({
    codes: part.slice(0, part.indexOf('m')),
    text: part.slice(part.indexOf('m') + 1),
  }));
  return [{ codes: undefined, text: first }, ...rest];
}

/** Renderers squeeze spaces at the ends of a span. */
function toSpan(padded: string, paddedColumn: number, { colour, bold, dim }: Style): string {
  const text = padded.trim();
  const column = paddedColumn + padded.length - padded.trimStart().length;
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const look = `${colour === undefined ? '' : ` fill="${colour}"`}${bold === true ? ' font-weight="bold"' : ''}${dim === true ? ' opacity="0.65"' : ''}`;
  const length = Math.round(text.length * CHAR);
  return `<tspan x="${Math.round(MARGIN + column * CHAR)}" textLength="${length}"${look}>${escaped}</tspan>`;
}

/** Reads the codes of one escape sequence; those that are not known change nothing. */
function applyCodes(before: Style, text: string): Style {
  const codes = text.split(';').map(Number);
  let style = before;
  for (let index = 0; index < codes.length; index += 1) {
    const code = codes[index] ?? 0;
    if (code === 0) style = {};
    else if (code === 1) style = { ...style, bold: true };
    else if (code === 2) style = { ...style, dim: true };
    else if (code === 22) style = { ...style, bold: false, dim: false };
    else if (code >= 30 && code <= 37) style = { ...style, colour: BASIC[code - 30] };
    else if (code >= 90 && code <= 97) style = { ...style, colour: BRIGHT[code - 90] };
    else if (code === 39) style = { ...style, colour: undefined };
    else if (code === 38 || code === 48) {
      const isRgb = codes[index + 1] === 2;
      const [red = 0, green = 0, blue = 0] = codes.slice(index + 2, index + 5);
      const colour = isRgb ? `rgb(${red},${green},${blue})` : toPaletteColour(red);
      if (code === 38) style = { ...style, colour };
      index += isRgb ? 4 : 2;
    }
  }
  return style;
}

/** A colour of the palette of 256. */
function toPaletteColour(index: number): string {
  if (index < 8) return BASIC[index] ?? '';
  if (index < 16) return BRIGHT[index - 8] ?? '';
  if (index >= 232)
    return `rgb(${Array(3)
      .fill(8 + 10 * (index - 232))
      .join(',')})`;
  const level = (place: number): number => {
    const step = Math.floor((index - 16) / place) % 6;
    return step === 0 ? 0 : 55 + 40 * step;
  };
  return `rgb(${[36, 6, 1].map(level).join(',')})`;
}
