/** Secrets taken out of texts, whole and in pieces. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMasker, mask, redacted, secretValuesOf } from '../../src/core/secret.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('mask', () => {
  it.each([
    ['each of several', 'aaaaaaaa bbbbbbbb aaaaaaaa', ['aaaaaaaa', 'bbbbbbbb'], 'X X X'],
    ['the longest', 'token-12-extra', ['token-12', 'token-12-extra'], 'X'],
    ['what looks like a pattern', 'a+b(c)[d]$', ['a+b(c)[d]$'], 'X'],
    ['what JSON makes of it', '{"a":"pass\\"word\\\\1"}', ['pass"word\\1'], '{"a":"X"}'],
    ['what a URL makes of it', 'db://u:p%40ss%2Fword@h', ['p@ss/word'], 'db://u:X@h'],
    ['its Base64', 'Basic b3Blbi1zZXNhbWU=', ['open-sesame'], 'Basic X'],
    ['its Base64 behind a name', `Basic ${base64('u:open-sesame')}`, ['open-sesame'], 'Basic dTpX'],
    [
      'its Base64 within a text',
      base64('ada:open-sesame:more'),
      ['open-sesame'],
      'YWRhOmXOm1vcmU=',
    ],
    [
      'nothing of others in Base64',
      base64('ada:open-season'),
      ['open-sesame'],
      base64('ada:open-season'),
    ],
    ['characters beyond ASCII', 'der Schlüssel駅伝秘密です.', ['Schlüssel駅伝秘密です'], 'der X.'],
    [
      'what is coloured within',
      'an \x1b[1mopen-\x1b[31mse\x1b[0msame.',
      ['open-sesame'],
      'an \x1b[1mX\x1b[31m\x1b[0m.',
    ],
    [
      'nothing of what is no colour',
      'open-\x1b[31Ksesame \x1b[',
      ['open-sesame'],
      'open-\x1b[31Ksesame \x1b[',
    ],
    ['nothing that is short', 'abcdefg', ['abcdefg', ''], 'abcdefg'],
    ['nothing where nothing is secret', 'abcdefgh', [], 'abcdefgh'],
  ])('takes out %s', (_, text, values, wanted) => {
    expect(mask(text, values)).toBe(wanted.replaceAll('X', redacted));
  });
});

it('takes out the Base64 of a secret wherever it stands in a text', () => {
  const secret = fc.string({ unit: 'grapheme', minLength: 8 });
  const byte = fc.uint8Array({ maxLength: 9 });
  fc.assert(
    fc.property(secret, byte, byte, (value, before, after) => {
      const bytes = Buffer.from(value);
      const text = Buffer.concat([before, bytes, after]).toString('base64');
      const [first, last] = mask(text, [value]).split(redacted);
      expect(last).toBeDefined();
      // Of the characters at both ends at most one has bits of the secret.
      expect(first?.length).toBeLessThanOrEqual(Math.ceil((before.length * 4) / 3));
      expect(last?.length).toBeLessThanOrEqual(4 * Math.ceil((after.length + 2) / 3));
    }),
  );
});

describe('a text in pieces', () => {
  const inPieces = (pieces: string[], values: string[]) => {
    const masker = createMasker(values);
    return [...pieces.map((piece) => masker.write(piece)), masker.end()];
  };

  it('holds back only what may go on to be a secret', () => {
    const values = ['open-sesame', 'open-sesame-42'];
    expect(inPieces(['a ope', 'n-ses', 'ame-', '42 b\n', 'c op', 'era\n'], values)).toEqual([
      ...['a ', '', '', `${redacted} b\n`, 'c ', 'opera\n', ''],
    ]);
  });

  it('gives out at its end what was held back', () => {
    expect(inPieces(['x open-ses'], ['open-sesame']).join('|')).toBe('x |open-ses');
    expect(inPieces(['x open-sesame'], ['open-sesame', 'open-sesame-42']).join('|')).toBe(
      `x |${redacted}`,
    );
  });

  const letters = ['a', 'b', '駅', '🚀', '\x1b', '\x1b[1;31m'];
  const coloured = (value: string, at: number) => `${value.slice(0, at)}\x1b[32m${value.slice(at)}`;

  it('is masked as the whole is, wherever it is cut', () => {
    const value = fc.string({
      unit: fc.constantFrom('a', 'b', '駅', '🚀'),
      minLength: 8,
      maxLength: 14,
    });
    const script = fc.record({
      values: fc.array(value, { minLength: 1, maxLength: 3 }),
      parts: fc.array(fc.string({ unit: fc.constantFrom(...letters), maxLength: 12 })),
      cuts: fc.array(fc.nat(60)),
    });
    fc.assert(
      fc.property(script, ({ values, parts, cuts }) => {
        const text = parts
          .map((part, index) => part + coloured(values[index % values.length] ?? '', index))
          .join('');
        const places = [...cuts.filter((cut) => cut < text.length), 0, text.length].sort(
          (a, b) => a - b,
        );
        const pieces = places.slice(1).map((end, index) => text.slice(places[index], end));
        const masked = mask(text, values);
        expect(inPieces(pieces, values).join('')).toBe(masked);
        for (const value of values) expect(masked.replaceAll('\x1b[32m', '')).not.toContain(value);
      }),
      { numRuns: 500 },
    );
  });

  it('costs little for many long secrets and many pieces', () => {
    const values = Array.from({ length: 1_000 }, (_, index) =>
      `${index}`.padStart(8, 'secret-').repeat(100),
    );
    const masker = createMasker(values);
    const lines = 'some line of a build\n'.repeat(1_000);
    let length = 0;
    for (let index = 0; index < 1_000; index++) length += masker.write(lines).length;
    expect(length + masker.end().length).toBe(1_000 * lines.length);
  });
});

describe('secretValuesOf', () => {
  it('knows the values by their names', () => {
    const definition = { env: { A: 'one', B: 'two', C: { secret: 'x' } } };
    expect(secretValuesOf({ definition, secrets: ['B', 'C', 'D'] })).toEqual(['two']);
    expect(secretValuesOf({ definition })).toEqual([]);
    expect(secretValuesOf({ definition: {}, secrets: ['A'] })).toEqual([]);
  });
});
