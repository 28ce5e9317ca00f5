/** How the block begins that Claude Code puts first into its system prompt to say who pays. [Claude Code 2.1.330] */
const BILLING_HEADER = 'x-anthropic-billing-header';

/** Whether a text of a system prompt says who pays, and nothing else. */
export function isBillingBlock(text: string): boolean {
  return text.trimStart().startsWith(BILLING_HEADER);
}

/** Whether a billing block says that the request is a sub-agent's. [Claude Code 2.1.330] */
export function billsSubagent(text: string): boolean {
  return isBillingBlock(text) && text.includes('cc_is_subagent=true');
}

/** How the client was started, by its billing block: `cli`, `sdk-cli`, …; `undefined` without such a block. */
export function findBilledEntrypoint(systemTexts: readonly string[]): string | undefined {
  return /\bcc_entrypoint=([^;\s]+)/.exec(systemTexts.find(isBillingBlock) ?? '')?.[1];
}
