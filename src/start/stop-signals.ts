/** Signals that stop the server: from service managers, from Ctrl-C, and from a terminal that closes. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/**
 * Signals closer together than this count as one: npm and shells forward a signal that the terminal has already sent to the
 * process group, and systemd may send SIGHUP right after SIGTERM.
 */
const DEBOUNCE_MS = 500;

/** The actions of the first, second and third signal. */
export interface StopActions {
  /** Stop once the running turns have ended. */
  drain(): void;
  /** Stop without waiting for the running turns. */
  skipDrain(): void;
  /** Exit now. */
  exit(): void;
}

/**
 * Handles stop signals: the first drains, the second cuts the drain short, the third exits.
 *
 * Under `nohup` SIGHUP drains, too: Node resets ignored signals at its start, so that they cannot be detected. `setsid` shields a
 * server from its terminal's signals.
 */
export function onStopSignal(
  actions: StopActions,
  source: { on(name: NodeJS.Signals, listener: () => void): unknown } = process,
  now: () => number = () => performance.now(),
): void {
  const steps = [() => actions.drain(), () => actions.skipDrain(), () => actions.exit()];
  let lastMs = -Infinity;
  const stop = (): void => {
    if (now() - lastMs < DEBOUNCE_MS) return;
    lastMs = now();
    steps.shift()?.();
  };
  for (const signal of STOP_SIGNALS) source.on(signal, stop);
}
