/** A day or a month of UTC, by its first and last day (`2027-01-31`) and the moment when the next one begins. */
export interface Period {
  readonly from: string;
  readonly to: string;
  /** Milliseconds since the epoch. */
  readonly endsAt: number;
}

/** The day of a time (milliseconds since the epoch) in UTC, `2027-01-31`. */
export function toDay(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

/** The day that a time is in. */
export function dayOf(timeMs: number): Period {
  const day = toDay(timeMs);
  return { from: day, to: day, endsAt: Date.parse(day) + 86_400_000 };
}

/** The month that a time is in. */
export function monthOf(timeMs: number): Period {
  const date = new Date(timeMs);
  const endsAt = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
  return { from: `${toDay(timeMs).slice(0, 8)}01`, to: toDay(endsAt - 1), endsAt };
}
