import { createHash } from 'node:crypto';

/** The page, and the policy that lets it load and call nothing but this server. */
export interface ConsolePage {
  readonly html: string;
  readonly contentSecurityPolicy: string;
}

/** Builds the page. @param importMap where the browser finds each library. */
export function buildPage(importMap: Readonly<Record<string, string>>): ConsolePage {
  const imports = JSON.stringify({ imports: importMap });
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Chiron</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/console/assets/style.css">
<script type="importmap">${imports}</script>
<script type="module" src="/console/assets/index.js"></script>
</head>
<body>
<div id="app"></div>
<noscript>The console needs JavaScript. The API is described at <a href="/docs">/docs</a>.</noscript>
</body>
</html>
`;
  const hash = createHash('sha256').update(imports).digest('base64');
  const policy = {
    'default-src': "'none'",
    'script-src': `'self' 'sha256-${hash}'`,
    'style-src': "'self'",
    'img-src': "'self' data:",
    'connect-src': "'self'",
    'base-uri': "'none'",
    'form-action': "'none'",
    'frame-ancestors': "'none'",
  };
  const contentSecurityPolicy = Object.entries(policy)
    .map(([name, value]) => `${name} ${value}`)
    .join('; ');
  return { html, contentSecurityPolicy };
}
