#!/bin/sh
# Lends the agent on the server the tools of the Claude Code that runs here: it can read and change files on this machine, beside those of
# its own workspace. Claude Code applies its permission mode to these calls: it may ask its user first.
#
#   CHIRON_URL=http://127.0.0.1:8787 CHIRON_KEY=… sh lend-claude-codes-tools.sh [arguments of claude]
export ANTHROPIC_BASE_URL="${CHIRON_URL:-http://127.0.0.1:8787}"
export ANTHROPIC_API_KEY="${CHIRON_KEY:-any}"
export ANTHROPIC_CUSTOM_HEADERS='x-chiron-caller-tools: on'
exec "${CLAUDE_BIN:-claude}" "$@"
