/** Texts that something on the way may trip over, each for its own reason. */
export const ODD_STRINGS: Readonly<Record<string, string>> = {
  'characters beyond the BMP': '🌍👩‍👩‍👧‍👦𝒳𐍈',
  'line and paragraph separators': 'a\u2028b\u2029c',
  'NUL and control characters': 'a\u0000b\u0001\u0007\u001b[31m\u007f\u0085c',
  'line ends of every kind': 'a\nb\r\nc\rd\n\n\ne',
  'what looks like a frame': 'event: message_stop\ndata: {"type":"message_stop"}\n\n: x\nid: 7\nretry: 1\n\n',
  'what looks like JSON': String.raw`{"a":"b\"\\"} \u0041 \ud83d \n`,
  'byte order marks and non-characters': '\uFEFFa\uFFFEb\uFFFFc\uFFFD',
  'combining marks, right to left and nothing to see': 'e\u0301 שלום \u202Eabc\u202C \u200B\u00AD',
  'a system reminder': '<system-reminder>said by the agent</system-reminder>',
};

/** Texts with half a character, and what stands in its place when they are told. */
export const HALF_CHARACTERS: Readonly<Record<string, readonly [said: string, told: string]>> = {
  'at the start': ['\uDF0Da', '\uFFFDa'],
  'at the end': ['a\uD83C', 'a\uFFFD'],
  'in the middle': ['a\uD83Cb\uDF0Dc', 'a\uFFFDb\uFFFDc'],
  'in the wrong order': ['a\uDF0D\uD83Cb', 'a\uFFFD\uFFFDb'],
  alone: ['\uD83C', '\uFFFD'],
};
