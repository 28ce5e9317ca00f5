/** Removes from a user's text what the user did not write. */
export type TextFilter = (text: string) => string;

/** Returns the text unchanged. */
export const keepText: TextFilter = (text) => text;
