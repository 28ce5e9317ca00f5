/** What the configuration of a Codex depends on. */
export interface CodexConfigOptions {
  /** The address of this server, as the caller reached it. */
  readonly url: string;
  readonly model: string;
}

const CATALOG_FILE = 'chiron-models.json';

/** Renders Codex's `config.toml` for this server. The key stays in a variable of the user's environment. [Codex 0.169.0] */
export function renderCodexConfig({ url, model }: CodexConfigOptions, home = '~/.codex'): string {
  return `model = ${quote(model)}
model_provider = "chiron"
model_catalog_json = ${quote(`${home}/${CATALOG_FILE}`)}
web_search = "disabled"

[model_providers.chiron]
name = "Chiron"
base_url = ${quote(`${url}/v1`)}
wire_api = "responses"
env_key = "CHIRON_API_KEY"
stream_idle_timeout_ms = 600000
env_http_headers = { "x-chiron-thread-key" = "CHIRON_THREAD" }
`;
}

/**
 * Renders a shell script that writes Codex's configuration and the catalogue of models. It makes a home of its own beside the user's, so that
 * nothing of theirs is overwritten.
 */
export function renderSetup(options: CodexConfigOptions, catalog: object): string {
  return `set -e
home="\${CHIRON_CODEX_HOME:-$HOME/.codex-chiron}"
mkdir -p "$home"
cat > "$home/${CATALOG_FILE}" <<'CHIRON_MODELS'
${JSON.stringify(catalog)}
CHIRON_MODELS
sed "s|@HOME@|$home|" > "$home/config.toml" <<'CHIRON_CONFIG'
${renderCodexConfig(options, '@HOME@')}CHIRON_CONFIG
echo "Start Codex with: CODEX_HOME=$home CHIRON_API_KEY=<your key> codex"
`;
}

/** As a string of TOML, whose escapes are those of JSON. */
function quote(text: string): string {
  return JSON.stringify(text);
}
