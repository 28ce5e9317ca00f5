/** The longest beginning, and the longest end, of a command's output that is kept, in characters. */
const LONGEST_PART = 256 * 1024;

/** The lines of a command, of which only the beginning and the end are kept when there are very many. */
export class BoundedOutput {
  private head = '';
  private tail: string[] = [];
  private tailLength = 0;
  private leftOut = 0;

  constructor(private readonly longestPart: number = LONGEST_PART) {}

  /** Adds lines. */
  add(lines: readonly string[]): void {
    if (lines.length === 0) return;
    const text = `${lines.join('\n')}\n`;
    const room = this.longestPart - this.head.length;
    this.head += text.slice(0, room);
    if (text.length <= room) return;
    const rest = text.slice(Math.max(room, text.length - this.longestPart));
    this.leftOut += text.length - room - rest.length;
    this.tail.push(rest);
    this.tailLength += rest.length;
    for (
      let [first] = this.tail;
      first !== undefined && this.tailLength - first.length >= this.longestPart;
      [first] = this.tail
    ) {
      this.tail.shift();
      this.tailLength -= first.length;
      this.leftOut += first.length;
    }
  }

  /** What was kept, with a note of how much is missing. */
  text(): string {
    const tail = this.tail.join('');
    const end = tail.slice(Math.max(0, tail.length - this.longestPart));
    const missing = this.leftOut + tail.length - end.length;
    const note = missing === 0 ? '' : `\n[${missing} characters were left out]\n`;
    return `${this.head}${note}${end}`.replace(/\n$/, '');
  }
}
