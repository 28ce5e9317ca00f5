/** Takes out of a user's text what the user did not write. */
export type TextFilter = (text: string) => string;

/** Takes a text as it is. */
export const keepText: TextFilter = (text) => text;
