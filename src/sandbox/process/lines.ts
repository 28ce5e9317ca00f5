/** The longest line that is kept, in bytes. The largest harness lines hold images and whole files; 64 MiB is far above them. */
export const LONGEST_LINE_BYTES = 64 * 1024 * 1024;

const LINE_FEED = 0x0a;

/**
 * Cuts a stream of bytes into lines. Works on bytes, so that a character split across two reads stays whole. Line ends are
 * LF or CRLF and are not part of a line. A line longer than the limit is dropped and counted; memory never holds more.
 */
export class LineSplitter {
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  private dropping = false;
  private droppedLines = 0;

  /** @param longestLineBytes the longest line that is kept, in bytes without its line feed */
  constructor(private readonly longestLineBytes: number = LONGEST_LINE_BYTES) {}

  /** How many lines were longer than the limit. */
  get dropped(): number {
    return this.droppedLines;
  }

  /** The lines that end in this chunk; what is after the last line end waits for the next chunk. */
  push(chunk: Buffer): readonly string[] {
    const first = chunk.indexOf(LINE_FEED);
    if (first === -1) {
      this.keep(chunk);
      return [];
    }
    this.keep(chunk.subarray(0, first));
    const lines = [...this.takeLine()];
    let start = first + 1;
    const last = chunk.lastIndexOf(LINE_FEED);
    if (last > first && last - first <= this.longestLineBytes) {
      // Decode these lines together: one by one, an output of short lines would block the event loop.
      for (const line of chunk.toString('utf8', start, last).split('\n')) lines.push(withoutReturn(line));
      start = last + 1;
    }
    for (let end = chunk.indexOf(LINE_FEED, start); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      this.keep(chunk.subarray(start, end));
      lines.push(...this.takeLine());
      start = end + 1;
    }
    if (start < chunk.length) this.keep(chunk.subarray(start));
    return lines;
  }

  /** The last line, if the output closed without a final line end. */
  end(): readonly string[] {
    return this.pendingBytes > 0 ? this.takeLine() : [];
  }

  private keep(part: Buffer): void {
    if (this.dropping) return;
    if (this.pendingBytes + part.length > this.longestLineBytes) {
      this.dropping = true;
      this.droppedLines += 1;
      this.resetPending();
      return;
    }
    this.pending.push(part);
    this.pendingBytes += part.length;
  }

  private takeLine(): readonly string[] {
    if (this.dropping) {
      this.dropping = false;
      return [];
    }
    const line = Buffer.concat(this.pending, this.pendingBytes).toString('utf8');
    this.resetPending();
    return [withoutReturn(line)];
  }

  private resetPending(): void {
    this.pending = [];
    this.pendingBytes = 0;
  }
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

/** Appends a chunk to a tail, and keeps the last `limit` bytes. */
export function keepTail(tail: Buffer, chunk: Buffer, limit: number): Buffer {
  const all = chunk.length >= limit ? chunk : Buffer.concat([tail, chunk]);
  // A copy, so that a large read is not held by the small piece of it that is kept.
  return Buffer.from(all.subarray(Math.max(0, all.length - limit)));
}

/** Decodes a tail; drops a character whose first bytes were cut off. */
export function decodeTail(tail: Buffer): string {
  let start = 0;
  while (start < Math.min(3, tail.length) && ((tail[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return tail.subarray(start).toString('utf8');
}
