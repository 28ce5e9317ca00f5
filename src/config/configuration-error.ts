/** Variables are wrong and the server does not start. Holds their names and what is expected, never their values. */
export class ConfigurationError extends Error {
  constructor(readonly problems: ReadonlyMap<string, string>) {
    const lines = [...problems].map(([name, expected]) => `  ${name}: ${expected}`);
    super(`Chiron cannot start with this configuration:\n${lines.join('\n')}`);
    this.name = 'ConfigurationError';
  }
}
