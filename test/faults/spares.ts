let isOn = false;

/** Has the servers that start from now on keep spare processes of their agents. */
export function useSpares(): void {
  isOn = true;
}

/** The settings of a server, for its spare processes. */
export function spareSettings(): Readonly<Record<string, string>> {
  return isOn ? { CHIRON_POOL_SIZE: '2' } : {};
}
