/** The rules of a `.dockerignore` against those of Docker: the cases of moby/patternmatcher and of its documentation. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileIgnore } from '../../../src/build/context/ignore.ts';

const compile = (text: string) =>
  compileIgnore({ file: 'web/.dockerignore', bytes: Buffer.from(text) });
const ignored = (text: string, ...paths: string[]) => paths.filter(compile(text));

describe('one pattern', () => {
  it.each([
    // Everything.
    ['**', ['file', 'dir/file']],
    ['**/', ['file', 'dir/file']],
    ['**/**', ['file', 'dir/file']],
    ['*', ['file', 'dir/file']],
    // Folders.
    ['dir', ['dir', 'dir/file', 'dir/dir2/file']],
    ['dir/', ['dir', 'dir/file']],
    ['/dir', ['dir', 'dir/file']],
    ['./dir/../dir', ['dir']],
    ['dir/**', ['dir/file', 'dir/dir2/file']],
    ['**/dir', ['dir', 'dir/file', 'x/dir/file']],
    ['**/dir2/*', ['dir/dir2/file', 'dir/dir2/dir3/file']],
    ['**/dir2/**', ['dir/dir2/dir3/file']],
    ['**/foo/bar', ['foo/bar', 'dir/foo/bar', 'dir/dir2/foo/bar']],
    ['*/temp*', ['somedir/temporary.txt', 'somedir/temp', 'somedir/temp/x']],
    ['*/*/temp*', ['somedir/subdir/temporary.txt']],
    ['temp?', ['tempa', 'tempb', 'tempa/x']],
    // Two stars without a slash.
    ['**file', ['file', 'dir/file', 'profile', 'dir/profile']],
    ['**a', ['tempa', 'x/a']],
    ['**/file*', ['dir/dir/file', 'dir/dir/file.txt']],
    ['**/file*txt', ['dir/file.txt']],
    ['**/**/*.txt', ['file.txt', 'dir/dir/file.txt']],
    ['a**/*.txt', ['a/file.txt', 'a/dir/dir/file.txt']],
    ['a/*.txt**', ['a/file.txt', 'a/file.txt2']],
    // One star.
    ['a*', ['a', 'abc', 'ab/c']],
    ['a*/b', ['abc/b']],
    ['*.go', ['x.go']],
    ['a/*.txt', ['a/file.txt']],
    ['a*b*c*d*e*/f', ['axbxcxdxe/f', 'axbxcxdxexxx/f']],
    ['a*b?c*x', ['abxbbxdbxebxczzx']],
    ['.*', ['.foo']],
    ['*x', ['xxx']],
    // Classes.
    ['a[b-d]e', ['ace']],
    ['a[^b-d]e', ['aze']],
    ['ab[c]', ['abc']],
    ['ab[^e-g]', ['abc']],
    ['a[^a]b', ['a☺b']],
    ['[a-ζ]*', ['α', 'abc']],
    ['[\\]a]', [']', 'a']],
    ['[\\-x]', ['-', 'x']],
    ['[x\\-]', ['x', '-']],
    ['a?b', ['a☺b', 'a🙂b']],
    // Characters that regular expressions know.
    ['abc.def', ['abc.def']],
    ['abc?def', ['abcZdef']],
    ['a(b)c/def', ['a(b)c/def']],
    ['(a)', ['(a)', '(a)/x']],
    ['a+', ['a+']],
    ['^a', ['^a']],
    ['a.|)$(}+{bc', ['a.|)$(}+{bc']],
    ['*.whl', ['proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl']],
    ['a\\*b', ['a*b']],
    ['a\\\\', ['a\\']],
    ['\\d', ['7']],
    ['\\S\\W', ['x-']],
    ['a\\tb', ['a\tb']],
    // A wildcard in a class is what Docker's expression for it makes there.
    ['[*]', [']', '/]', '^[]']],
    ['[a?]', ['a]', '^]']],
  ])('%s takes %j', (pattern, paths) => {
    expect(ignored(pattern, ...paths)).toEqual(paths);
  });

  it.each([
    ['dir', ['dir2', 'x/dir', 'adir']],
    ['dir/**', ['dir', 'dir2/x']],
    ['**/.foo', ['bar.foo']],
    ['**/**/*.txt2', ['dir/dir/file.txt']],
    ['a/*.txt', ['a/dir/file.txt']],
    ['a*/b', ['a/c/b']],
    ['a*b*c*d*e*/f', ['axbxcxdxe/xxx/f', 'axbxcxdxexxx/fff']],
    ['a*b?c*x', ['abxbbxdbxebxczzy']],
    ['a[b-d]e', ['ae', 'aae']],
    ['ab[^b-d]', ['abc']],
    ['a???b', ['a☺b']],
    ['*[a-ζ]', ['A']],
    ['a?b', ['a/b']],
    ['a*b', ['a/b']],
    ['[x\\-]', ['z']],
    ['.*', ['foo']],
    ['abc.def', ['abcdef', 'abcZdef']],
    ['a+', ['aa', 'a']],
    ['(a)', ['a']],
    ['*/temp*', ['temp', 'a/b/temp']],
    ['temp?', ['temp', 'tempab']],
    ['^a*', ['^a']],
    ['.', ['a', 'a/b']],
    ['/', ['a', 'a/b']],
    ['..', ['a']],
    ['../a', ['a']],
  ])('%s leaves %j', (pattern, paths) => {
    expect(ignored(pattern, ...paths)).toEqual([]);
  });
});

describe('several patterns', () => {
  it.each([
    ['an exception brings back', '*.md\n!README.md', ['a.md'], ['README.md']],
    [
      'the last one decides',
      '*.md\n!README*.md\nREADME-secret.md',
      ['README-secret.md'],
      ['README.md'],
    ],
    [
      'and if that is an exception',
      '*.md\nREADME-secret.md\n!README*.md',
      ['a.md'],
      ['README-secret.md'],
    ],
    ['an exception comes too early', '!a.go\n*.go', ['a.go'], []],
    ['a file of a folder', 'docs\n!docs/README.md', ['docs/x', 'docs'], ['docs/README.md']],
    ['of a folder with a slash', 'docs/\n!docs/README.md', ['docs/x'], ['docs/README.md']],
    ['of a folder by wildcard', 'docs/*\n!docs/README.md', ['docs/x'], ['docs/README.md', 'docs']],
    ['all but a folder', '**\n!util/docker/web', ['util/docker', 'x'], ['util/docker/web/foo']],
    [
      'all but a folder without a file',
      '**\n!util/docker/web\nutil/docker/web/foo',
      ['util/docker/web/foo'],
      ['util/docker/web/x'],
    ],
    ['all but a wildcard', '**\n!dist/*.whl', ['dist/x'], ['dist/a.whl']],
    ['an exception from the root', '*\n! /src', ['a'], ['src/a']],
    // What takes away after a look at the folder is not undone by an exception for that folder.
    ['a folder that was not ignored', '**/*.md\n!docs', ['docs/x.md', 'x.md'], ['docs/x']],
  ])('%s', (_, text, taken, left) => {
    expect(ignored(text, ...taken, ...left)).toEqual(taken);
  });

  it('does not depend on the order in which paths are asked for', () => {
    const rules = compile('**/*.md\n!docs\nsrc\n!src/a/b\n**/c/d');
    const paths = ['docs/x.md', 'src/a/b/c', 'x', 'src/a/b/c/d/e', 'docs', 'src/a', 'src/a/b'];
    const inOrder = paths.map(rules);
    expect([...paths].reverse().map(rules).reverse()).toEqual(inOrder);
    expect(inOrder).toEqual([true, false, false, true, false, true, false]);
  });
});

describe('the file', () => {
  it('may have a byte order mark, ends of lines of Windows, comments and blanks', () => {
    const text = '\uFEFFa\r\n# b\r\n\r\n  c  \r\n #d\r\n';
    expect(ignored(text, 'a', 'b', '# b', 'c', '#d')).toEqual(['a', 'c', '#d']);
  });

  it('may be empty', () => {
    expect(ignored('', 'a')).toEqual([]);
  });

  it.each([
    ['!', 'an exception (!) names no path'],
    ['! ', 'an exception (!) names no path'],
    ['!/', 'an exception (!) names no path'],
    ['[', 'Docker cannot read the pattern ['],
    ['a[', 'Docker cannot read the pattern a['],
    ['[]a]', 'Docker cannot read the pattern []a]'],
    ['[-x]', 'Docker cannot read the pattern [-x]'],
    ['[x-]', 'Docker cannot read the pattern [x-]'],
    ['[a-b-c]', 'Docker cannot read the pattern [a-b-c]'],
    ['[^]', 'Docker cannot read the pattern [^]'],
    ['[^-a]', 'Docker cannot read the pattern [^-a]'],
    ['[^bc', 'Docker cannot read the pattern [^bc'],
    ['a\\', 'Docker cannot read the pattern a\\'],
    ['[d-a]', 'the range d-a runs backwards'],
    ['obj\\Release', '\\R means nothing; folders are separated by /'],
  ])('is refused for %s', (pattern, reason) => {
    expect(() => compile(`ok\n${pattern}\n`)).toThrow(
      expect.objectContaining({
        code: 'E_DOCKERIGNORE',
        message: `web/.dockerignore:2: ${reason}.`,
      }),
    );
  });

  it('is refused beyond 64 KiB', () => {
    expect(() => compile('a\n'.repeat(40_000))).toThrow(/larger than 64 KiB/);
  });

  it('has 4 KiB of patterns with wildcards at most, and more of those that are plain', () => {
    const plain = 'node_modules\n**/dist\nlogs/**\n'.repeat(500);
    expect(compile(`${plain}${'*a'.repeat(2048)}\n`)('x/dist')).toBe(true);
    expect(() => compile(`${'*.log\n'.repeat(820)}`)).toThrow(
      expect.objectContaining({
        code: 'E_DOCKERIGNORE',
        message:
          'web/.dockerignore:820: the patterns with wildcards are longer than 4 KiB together.',
        hint: expect.stringContaining('folder/'),
      }),
    );
  });
});

describe('by property', () => {
  const segment = fc.constantFrom('a', 'b', 'ab', 'a.b', '.c');
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
  const piece = fc.constantFrom('a', 'b', '.c', '*', '?', '*b', '**', 'a*', '[ab]');
  const pattern = fc.array(piece, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));

  /** Whole names only: `**` is any number of them, or none. */
  function globs(parts: string[], names: string[]): boolean {
    const [part, ...others] = parts;
    if (part === undefined) return names.length === 0;
    if (part === '**' && others.length === 0) return names.length > 0;
    if (part === '**') {
      const counts = [...names.keys(), names.length];
      return counts.some((count) => globs(others, names.slice(count)));
    }
    const expression = part.replace('.', '\\.').replace('*', '[^/]*').replace('?', '[^/]');
    return (
      names[0] !== undefined &&
      new RegExp(`^${expression}$`).test(names[0]) &&
      globs(others, names.slice(1))
    );
  }

  it('takes what a plain reading of names and folders takes', () => {
    fc.assert(
      fc.property(pattern, path, (given, asked) => {
        const names = asked.split('/');
        const folders = names.map((_, index) => names.slice(0, index + 1));
        const wanted = folders.some((folder) => globs(given.split('/'), folder));
        expect(compile(given)(asked)).toBe(wanted);
      }),
      { numRuns: 2_000 },
    );
  });

  it('refuses with its code, or answers, whatever the file holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), path, (text, asked) => {
        try {
          expect(typeof compile(text)(asked)).toBe('boolean');
        } catch (error) {
          expect(error).toMatchObject({ code: 'E_DOCKERIGNORE' });
        }
      }),
    );
  });

  it('is not kept busy by a pattern that means harm', () => {
    const rules = compile(`${'**/'.repeat(50)}${'*a'.repeat(20)}b\n`);
    expect(rules(`${'a/'.repeat(60)}${'a'.repeat(250)}`)).toBe(false);
  });
});
