/** What `RUN --mount=type=secret` reads: values of CI/CD variables, by the ids of the mounts. */
import { InputError } from '../../core/errors.ts';
import type { BuildSecrets } from '../../core/variable.ts';

/**
 * The values of mounts; `wanted` has the name of a variable for each id.
 * @throws InputError that names the variable that is not there.
 */
export function secretMounts(
  wanted: Record<string, string>,
  { values, areUnreadable }: Pick<BuildSecrets, 'values' | 'areUnreadable'>,
): Record<string, string> {
  const mounts = Object.entries(wanted).map(([id, name]) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value !== undefined) return [id, value] as const;
    const why = areUnreadable ? 'GITLAB_TOKEN may not read' : 'is not there';
    throw new InputError(`build.secrets.${id} needs the CI/CD variable ${name}, which ${why}.`, {
      code: 'E_BUILD_SECRET',
      hint: areUnreadable ? roleHint : hintFor(name),
    });
  });
  return Object.fromEntries(mounts);
}

const roleHint = 'Give the user of GITLAB_TOKEN the role Maintainer in the project.';

function hintFor(name: string): string {
  return `Set ${name} in GitLab (Settings, CI/CD, Variables); a protected one is for protected branches and tags only.`;
}

/** All that is to be hidden of a value, since commands print it whole, trimmed, line by line and encoded. */
export function formsOf(value: string): string[] {
  const trimmed = value.trim();
  const withEnd = `${trimmed}\n`;
  const lines = [value, trimmed, withEnd].map(toBase64).flatMap(base64Lines);
  const forms = [value, trimmed, toBase64(withEnd), ...trimmed.split(/\r?\n/), ...lines];
  return [...new Set(forms)];
}

/** Characters after which `openssl base64` and `base64` begin a new line. */
const base64Widths = [64, 76];

function toBase64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** The lines in which programs print what is too long for one. */
function base64Lines(text: string): string[] {
  const tooLong = base64Widths.filter((width) => text.length > width);
  return tooLong.flatMap((width) => text.match(new RegExp(`.{1,${width}}`, 'g')) ?? []);
}
