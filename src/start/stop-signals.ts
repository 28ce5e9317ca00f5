/** Signals that tell the server to stop: of service managers, of the terminal, and of a terminal that closes. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/**
 * Signals closer together than this are one, in milliseconds: npm and shells pass on a signal that the terminal has already sent
 * to the whole group, and systemd may send SIGHUP right after SIGTERM.
 */
const SAME_SIGNAL_MS = 500;

/** What an operator can ask for, in the order of their signals. */
export interface StopActions {
  /** Stop once the running turns have ended. */
  drain(): void;
  /** Do not wait for them. */
  hurry(): void;
  /** End now. */
  exit(): void;
}

/**
 * Stops the server at its signals: the first one drains, the second hurries, the third ends the process.
 *
 * Under `nohup` SIGHUP drains, too: Node resets ignored signals at its start, so that it cannot be detected. `setsid` keeps a server
 * from a terminal's signals.
 */
export function onStopSignal(
  actions: StopActions,
  source: { on(name: NodeJS.Signals, listener: () => void): unknown } = process,
  now: () => number = () => performance.now(),
): void {
  const steps = [() => actions.drain(), () => actions.hurry(), () => actions.exit()];
  let last = -Infinity;
  const stop = (): void => {
    if (now() - last < SAME_SIGNAL_MS) return;
    last = now();
    steps.shift()?.();
  };
  for (const signal of STOP_SIGNALS) source.on(signal, stop);
}
