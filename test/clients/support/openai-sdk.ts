/** What `openai` exports, by 7.57.0's types. What is used here of the older one is the same. */
export type OpenAiSdk = typeof import('openai');

/** A client of it. */
export type OpenAiClient = InstanceType<OpenAiSdk['OpenAI']>;

/** The packages' names in this folder, with their versions: two majors. */
export const OPENAI_SDKS = [
  { packageName: 'openai', version: '7.57.0' },
  { packageName: 'openai-6', version: '6.30.1' },
] as const;

/** Loads one of them. */
export async function loadOpenAi(packageName: (typeof OPENAI_SDKS)[number]['packageName']): Promise<OpenAiSdk> {
  const sdk: OpenAiSdk = await import(packageName);
  return sdk;
}
