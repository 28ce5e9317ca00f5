/** Texts that a parser, a transport or a terminal may mishandle. */
export const ODD_STRINGS: Readonly<Record<string, string>> = {
  'characters beyond the BMP': '🌍👩‍👩‍👧‍👦𝒳𐍈',
  'line and paragraph separators': 'a\u2028b\u2029c',
  'NUL and control characters': 'a\u0000b\u0001\u0007\u001b[31m\u007f\u0085c',
  'line ends of every kind': 'a\nb\r\nc\rd\n\n\ne',
  'texts that look like an SSE frame': 'event: message_stop\ndata: {"type":"message_stop"}\n\n: x\nid: 7\nretry: 1\n\n',
  'texts that look like JSON': String.raw`{"a":"b\"\\"} \u0041 \ud83d \n`,
  'byte order marks and non-characters': '\uFEFFa\uFFFEb\uFFFFc\uFFFD',
  'combining marks, right-to-left and invisible characters': 'e\u0301 שלום \u202Eabc\u202C \u200B\u00AD',
  'a system reminder': '<system-reminder>said by the agent</system-reminder>',
};

/** Texts with lone surrogates, and the sanitized texts. */
export const HALF_CHARACTERS: Readonly<Record<string, readonly [input: string, sanitized: string]>> = {
  'at the start': ['\uDF0Da', '\uFFFDa'],
  'at the end': ['a\uD83C', 'a\uFFFD'],
  'in the middle': ['a\uD83Cb\uDF0Dc', 'a\uFFFDb\uFFFDc'],
  'in the wrong order': ['a\uDF0D\uD83Cb', 'a\uFFFD\uFFFDb'],
  alone: ['\uD83C', '\uFFFD'],
};
