/** A PNG of one pixel, in base64. */
export const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const PAGE = '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 72 72] >>';

/** A PDF of one empty page, in base64. */
export const PDF = Buffer.from(
  `%PDF-1.4
1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj
2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj
3 0 obj ${PAGE} endobj
trailer << /Root 1 0 R >>
%%EOF
`,
).toString('base64');
