/** Prefix of the billing block, the first block of Claude Code's system prompt. [Claude Code 2.1.330] */
const BILLING_HEADER = 'x-anthropic-billing-header';

/** Whether a text of a system prompt is the billing block. */
export function isBillingBlock(text: string): boolean {
  return text.trimStart().startsWith(BILLING_HEADER);
}

/** Whether a billing block marks the request as a sub-agent's. [Claude Code 2.1.330] */
export function billsSubagent(text: string): boolean {
  return isBillingBlock(text) && text.includes('cc_is_subagent=true');
}

/** Reads the client's entrypoint from its billing block: `cli`, `sdk-cli`, …; `undefined` without such a block. */
export function findBilledEntrypoint(systemTexts: readonly string[]): string | undefined {
  return /\bcc_entrypoint=([^;\s]+)/.exec(systemTexts.find(isBillingBlock) ?? '')?.[1];
}
