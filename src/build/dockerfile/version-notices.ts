/** What the platform says of versions of a template: which are deprecated, and which withdrawn. */
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { SetupError } from '../../core/errors.ts';

/** By version, with what people are told. */
export interface VersionNotices {
  deprecated: Record<string, string>;
  /** Such as `use tomcat@9`. */
  withdrawn: Record<string, string>;
}

const messages = z.record(z.string(), z.string()).nullish();
const schema = z.strictObject({ deprecated: messages, withdrawn: messages }).nullable();

/**
 * Reads a `versions.yml`, of which `file` is the name for errors; without bytes nothing is said of any version.
 * @throws SetupError for what is no such file
 */
export function parseNotices(bytes: Buffer | undefined, file: string): VersionNotices {
  // By this schema of YAML all is text, so that 9.0 stays a version and no number.
  const document = parseDocument(bytes?.toString() ?? '', {
    schema: 'failsafe',
    logLevel: 'silent',
    prettyErrors: false,
  });
  const [fault] = document.errors;
  if (fault) throw wrong(file, fault.message);
  const parsed = schema.safeParse(document.toJS() || null);
  if (!parsed.success) throw wrong(file, z.prettifyError(parsed.error).replace(/\s+/g, ' '));
  return { deprecated: parsed.data?.deprecated ?? {}, withdrawn: parsed.data?.withdrawn ?? {} };
}

function wrong(file: string, what: string): SetupError {
  return new SetupError(`the template's ${file} cannot be used: ${what}`, {
    code: 'E_TEMPLATE_NOTICES',
    hint: 'It holds deprecated and withdrawn, each with messages by version.',
  });
}
