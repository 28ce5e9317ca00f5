/** How many characters to keep of the beginning of a command's output, and as many of its end. */
const MAX_PART_CHARS = 256 * 1024;

/** Collects a command's output in bounded memory: keeps the beginning and the end, and drops the middle of a long output. */
export class BoundedOutput {
  private head = '';
  private tail: string[] = [];
  private tailLength = 0;
  private droppedChars = 0;

  constructor(private readonly maxPartChars: number = MAX_PART_CHARS) {}

  /** Adds lines. */
  add(lines: readonly string[]): void {
    if (lines.length === 0) return;
    const text = `${lines.join('\n')}\n`;
    const room = this.maxPartChars - this.head.length;
    this.head += text.slice(0, room);
    if (text.length <= room) return;
    const kept = text.slice(Math.max(room, text.length - this.maxPartChars));
    this.droppedChars += text.length - room - kept.length;
    this.tail.push(kept);
    this.tailLength += kept.length;
    for (
      let [first] = this.tail;
      first !== undefined && this.tailLength - first.length >= this.maxPartChars;
      [first] = this.tail
    ) {
      this.tail.shift();
      this.tailLength -= first.length;
      this.droppedChars += first.length;
    }
  }

  /** The kept output, with a note that counts the dropped characters. */
  text(): string {
    const tail = this.tail.join('');
    const end = tail.slice(Math.max(0, tail.length - this.maxPartChars));
    const dropped = this.droppedChars + tail.length - end.length;
    const note = dropped === 0 ? '' : `\n[${dropped} characters were left out]\n`;
    return `${this.head}${note}${end}`.replace(/\n$/, '');
  }
}
