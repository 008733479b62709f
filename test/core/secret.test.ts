/** Secrets taken out of texts, whole and in pieces. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMasker, mask, redacted, secretValuesOf } from '../../src/core/secret.ts';

describe('mask', () => {
  it.each([
    ['each of several', 'aaaaaaaa bbbbbbbb aaaaaaaa', ['aaaaaaaa', 'bbbbbbbb'], 'X X X'],
    ['the longest', 'token-12-extra', ['token-12', 'token-12-extra'], 'X'],
    ['what looks like a pattern', 'a+b(c)[d]$', ['a+b(c)[d]$'], 'X'],
    ['what JSON makes of it', '{"a":"pass\\"word\\\\1"}', ['pass"word\\1'], '{"a":"X"}'],
    ['what a URL makes of it', 'db://u:p%40ss%2Fword@h', ['p@ss/word'], 'db://u:X@h'],
    ['its Base64', 'Basic b3Blbi1zZXNhbWU=', ['open-sesame'], 'Basic X'],
    ['characters beyond ASCII', 'der Schlüssel駅伝秘密です.', ['Schlüssel駅伝秘密です'], 'der X.'],
    ['nothing that is short', 'abcdefg', ['abcdefg', ''], 'abcdefg'],
    ['nothing where nothing is secret', 'abcdefgh', [], 'abcdefgh'],
  ])('takes out %s', (_, text, values, wanted) => {
    expect(mask(text, values)).toBe(wanted.replaceAll('X', redacted));
  });
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

  it('is masked as the whole is, wherever it is cut', () => {
    const value = fc.string({
      unit: fc.constantFrom('a', 'b', '駅', '🚀'),
      minLength: 8,
      maxLength: 14,
    });
    const script = fc.record({
      values: fc.array(value, { minLength: 1, maxLength: 3 }),
      parts: fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '駅', '🚀'), maxLength: 12 })),
      cuts: fc.array(fc.nat(60)),
    });
    fc.assert(
      fc.property(script, ({ values, parts, cuts }) => {
        const text = parts.map((part, index) => part + values[index % values.length]).join('');
        const places = [...cuts.filter((cut) => cut < text.length), 0, text.length].sort(
          (a, b) => a - b,
        );
        const pieces = places.slice(1).map((end, index) => text.slice(places[index], end));
        expect(inPieces(pieces, values).join('')).toBe(mask(text, values));
      }),
      { numRuns: 500 },
    );
  });

  it('costs little for many secrets and many pieces', () => {
    const values = Array.from({ length: 500 }, (_, index) => `${index}`.padStart(8, 'secret-'));
    const masker = createMasker(values);
    let length = 0;
    for (let index = 0; index < 5_000; index++)
      length += masker.write('some line of a build\n').length;
    expect(length + masker.end().length).toBe(5_000 * 21);
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
