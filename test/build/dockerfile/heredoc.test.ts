/** Which heredocs a line opens: the cases of BuildKit's own tests and those that surprise. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: shell variables are what these lines are about.
import { expect, test } from 'vitest';
import { findHeredocs } from '../../../src/build/dockerfile/heredoc.ts';

test.each<[line: string, terminators: string[]]>([
  ['RUN <<EOF', ['EOF']],
  ['RUN <<-EOF', ['EOF']],
  ["RUN <<'EOF'", ['EOF']],
  ['RUN <<"EOF"', ['EOF']],
  ['RUN <<EO"F"', ['EOF']],
  ['RUN 3<<EOF', ['EOF']],
  ['RUN x3<<EOF', []],
  ['RUN <<EOF <<EOF2', ['EOF', 'EOF2']],
  ['RUN <<EOF<<EOF2', []],
  ['RUN <<<EOF', []],
  ['RUN << EOF', ['EOF']],
  ['RUN <<  EOF  > foo', ['EOF']],
  ['RUN <<- EOF', []],
  ['RUN << -EOF', ['-EOF']],
  ['RUN <<', []],
  ['RUN <<-', []],
  ["RUN <<''", []],
  ["RUN '<<EOF'", []],
  ['RUN "<<EOF"', []],
  ['RUN \\<<EOF', []],
  ["RUN <<'one two'", ['one two']],
  ["RUN <<eo\\'f", ["eo'f"]],
  ["RUN <<'e'o\\'f", ["eo'f"]],
  ['RUN <<$EOF', ['$EOF']],
  ['RUN <<${EOF}', ['${EOF}']],
  ['RUN <<${EOF:-a}', ['${EOF:-a}']],
  ['RUN cat <<EOF>/f', ['EOF>/f']],
  ['RUN cat <<EOF >/f', ['EOF']],
  ['RUN a=1;cat <<EOF', ['EOF']],
  ['RUN a;<<EOF', []],
  ['COPY <<file.txt /dest', ['file.txt']],
  ["RUN echo don't <<EOF", []],
  ["RUN echo don\\'t <<EOF", ['EOF']],
  ['RUN echo " <<EOF', []],
  ['RUN echo ${a[0]} <<EOF', []],
  ['RUN echo ${a <<EOF', []],
  ['RUN echo ${} <<EOF', []],
  ['RUN echo ${a:-b} <<EOF', ['EOF']],
  ['RUN echo ${a:-b c} <<EOF', ['EOF']],
  ['RUN echo ${a:-"}"} <<EOF', ['EOF']],
  ['RUN echo ${a##*/} ${b%.x} ${c/d/e} ${f//g/h} <<EOF', ['EOF']],
  ['RUN echo ${a^^} <<EOF', []],
  ['RUN echo $1 $@ $$ $ $é <<EOF', ['EOF']],
  ['RUN echo $(a "b $(c)") <<EOF', ['EOF']],
  ['RUN echo "a \\" b" <<EOF', ['EOF']],
  ["RUN echo 'a \\' <<EOF", ['EOF']],
  ['RUN a\u00a0<<EOF\u2003b', ['EOF']],
  [`RUN ${'${a:-'.repeat(5000)}${'}'.repeat(5000)} <<EOF`, []],
])('%s', (line, terminators) => {
  expect(findHeredocs(line).map(({ terminator }) => terminator)).toEqual(terminators);
});

test('knows the dash that lets tabs stand before the terminator', () => {
  expect(findHeredocs("RUN <<-A << B <<'-C'")).toEqual([
    { terminator: 'A', chomp: true },
    { terminator: 'B', chomp: false },
    { terminator: '-C', chomp: false },
  ]);
});
