// Which program reads a variable, as its documentation says.
const VARIABLES = [
  'SSL_CERT_FILE', // OpenSSL, Go (gh, git-lfs), Ruby, uv
  'npm_config_cafile', // npm, where the machine's own configuration has one
  'NODE_EXTRA_CA_CERTS', // Node: npm, pnpm, yarn, Claude Code
  'GIT_SSL_CAINFO', // git
  'CURL_CA_BUNDLE', // curl
  'REQUESTS_CA_BUNDLE', // Python's requests
  'PIP_CERT', // pip
  'CARGO_HTTP_CAINFO', // cargo
  'AWS_CA_BUNDLE', // the AWS CLI and SDKs
  'DENO_CERT', // Deno
  'NIX_SSL_CERT_FILE', // Nix, and programs built by it
  'CODEX_CA_CERTIFICATE', // Codex
] as const;

/** The variables by which programs of an agent trust the authorities in a file. */
export function toCaVariables(caFile: string): Readonly<Record<string, string>> {
  return Object.fromEntries(VARIABLES.map((name) => [name, caFile]));
}
